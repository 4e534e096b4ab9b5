# Days and periods.

month = { $month ->
    [1] januar
    [2] februar
    [3] marts
    [4] april
    [5] maj
    [6] juni
    [7] juli
    [8] august
    [9] september
    [10] oktober
    [11] november
   *[12] december
}
day = { $day }. { month } { $year }

period-year = { $year }
period-half-year = { $number }. halvår { $year }
period-quarter = { $number }. kvartal { $year }
period-month = { month } { $year }
period-day = den { day }
# "i 2024", "den 17. maj 2024"
period-within = { $span ->
    [day] { $period }
   *[other] i { $period }
}

# Measured numbers.

amount-percent = { $number } %
amount-percentage-points = { $number } procentpoint
amount-unit = { $number } { $unit }

# What tables and pictures call the whole of something.

whole-municipality = Hele kommunen
all-employees = Alle medarbejdere
