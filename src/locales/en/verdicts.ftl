# The reason for a verdict, in one sentence. It is put together from a value, a target and an outcome:
# "5.3% in June 2026: the target of at most 5.1% is not met."

# A value with its period; $remarks are in parentheses, or empty.
verdict-value = { $amount } { $within }{ $remarks }
verdict-values = { $value } against { $other }
remark-provisional = provisional
remark-partial = { $with_value } of { $units } units

# The target, with the period by which it is due unless that was just named.
verdict-target = { $due ->
    [none] the target { $goal }
   *[other] the target for { $due } { $goal }
}
goal-at_least = of at least { $number }
goal-at_most = of at most { $number }
goal-maintain = to stay at { $number }
goal-more_than_period = of more than { $within }
goal-less_than_period = of less than { $within }
goal-full_coverage = of full coverage ({ $number })
goal-at_benchmark = to be at the level of “{ $name }”{ $direction ->
    [increase] {" "}or higher
    [decrease] {" "}or lower
   *[maintain] {""}
}
goal-near-benchmark = to be at most { $distance } { $direction ->
    [increase] below
    [decrease] above
   *[maintain] from
} “{ $name }”

# The number of the target isn't decided.
verdict-undecided = The number is to be decided later.
verdict-undecided-until = The number is to be decided later, by { $day } at the latest.
verdict-undecided-late = The number is to be decided later; that should have been done by { $day }.

# Something is missing.
verdict-missing = { $clause }: { $target } can't be judged.
verdict-value-but = { $value }, but { $clause }
missing-measurement = there is no value yet
missing-value-in = there is no value for { $period }
missing-value-until = there is no value up to { $period }
missing-value-after = there is no value after { $period }
missing-benchmark = there is no value to compare with up to { $period }
missing-hidden = { $is_provisional ->
    [true] the provisional value
   *[false] the value
}{ $kind ->
    [benchmark] {" "}to compare with
   *[other] {""}
} for { $period } is hidden because the group is small
missing-units = { $value } covers only { $with_value } of { $units } units

# The value was evaluated.
verdict-met = { $value }: { $target } is met.
verdict-missed = { $value }: { $target } is not met.
verdict-met-without-date = { $value }: { $target } is met; no date is set for it.
verdict-unmet-without-date = { $value }: { $target } is not met; no date is set for it.
verdict-already-met = { $value }: { $target } is already met.
verdict-open-at-start = { $value }: { $target } is open, since nothing was measured after that yet.
verdict-open-without-start = { $value }: { $target } is open, since there is no value within the strategy yet.
verdict-open-before-baseline = { $value }: { $target } is open, since there is no value for { $baseline } yet.
verdict-on-course = { $value }: that is on course for { $target }.
verdict-off-course = { $value }: that is not on course for { $target }.
course-at-least = { $value }, where an even course from { $start } leads to at least { $expected }
course-at-most = { $value }, where an even course from { $start } leads to at most { $expected }
