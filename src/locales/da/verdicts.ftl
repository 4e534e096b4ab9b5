# The reason for a verdict, in one sentence. It is put together from a value, a target and an outcome:
# "5,3 % i juni 2026: målet om højst 5,1 % er ikke nået."

# A value with its period; $remarks are in parentheses, or empty.
verdict-value = { $amount } { $within }{ $remarks }
verdict-values = { $value } mod { $other }
remark-provisional = foreløbigt
remark-partial = { $with_value } af { $units } enheder

# The target, with the period by which it is due unless that was just named.
verdict-target = { $due ->
    [none] målet { $goal }
   *[other] målet for { $due } { $goal }
}
goal-at_least = om mindst { $number }
goal-at_most = om højst { $number }
goal-maintain = om at holde { $number }
goal-more_than_period = om flere end { $within }
goal-less_than_period = om færre end { $within }
goal-full_coverage = om fuld dækning ({ $number })
goal-at_benchmark = om at ligge på niveau med »{ $name }«{ $direction ->
    [increase] {" "}eller højere
    [decrease] {" "}eller lavere
   *[maintain] {""}
}
goal-near-benchmark = om at ligge højst { $distance } { $direction ->
    [increase] under
    [decrease] over
   *[maintain] fra
} »{ $name }«

# The number of the target isn't decided.
verdict-undecided = Måltallet fastsættes senere.
verdict-undecided-until = Måltallet fastsættes senere, senest { $day }.
verdict-undecided-late = Måltallet fastsættes senere; det skulle være sket senest { $day }.

# Something is missing.
verdict-missing = { $clause }: { $target } kan ikke bedømmes.
verdict-value-but = { $value }, men { $clause }
missing-measurement = der er endnu ingen værdi
missing-value-in = der er ingen værdi for { $period }
missing-value-until = der er ingen værdi til og med { $period }
missing-value-after = der er ingen værdi efter { $period }
missing-benchmark = der er ingen værdi at sammenligne med til og med { $period }
missing-hidden = { $is_provisional ->
    [true] den foreløbige værdi
   *[false] værdien
}{ $kind ->
    [benchmark] {" "}at sammenligne med
   *[other] {""}
} for { $period } er skjult, fordi gruppen er lille
missing-units = { $value } dækker kun { $with_value } af { $units } enheder

# The value was evaluated.
verdict-met = { $value }: { $target } er nået.
verdict-missed = { $value }: { $target } er ikke nået.
verdict-met-without-date = { $value }: { $target } er opfyldt; der er ikke sat nogen dato for det.
verdict-unmet-without-date = { $value }: { $target } er ikke opfyldt; der er ikke sat nogen dato for det.
verdict-already-met = { $value }: { $target } er allerede opfyldt.
verdict-open-at-start = { $value }: { $target } er åbent, da der endnu ikke er målt siden.
verdict-open-without-start = { $value }: { $target } er åbent, da der endnu ikke er nogen værdi inden for strategien.
verdict-open-before-baseline = { $value }: { $target } er åbent, da der endnu ikke er nogen værdi for { $baseline }.
verdict-on-course = { $value }: det er på kurs mod { $target }.
verdict-off-course = { $value }: det er ikke på kurs mod { $target }.
course-at-least = { $value }, hvor der ved jævn udvikling fra { $start } ventes mindst { $expected }
course-at-most = { $value }, hvor der ved jævn udvikling fra { $start } ventes højst { $expected }
