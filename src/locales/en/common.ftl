# Days and periods.

month = { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
}
day = { $day } { month } { $year }

period-year = { $year }
period-half-year = the { $number ->
    [1] first
   *[2] second
} half of { $year }
period-quarter = the { $number ->
    [1] first
    [2] second
    [3] third
   *[4] fourth
} quarter of { $year }
period-month = { month } { $year }
period-day = { day }
# "in 2024", "on 17 May 2024"
period-within = { $span ->
    [day] on { $period }
   *[other] in { $period }
}

# Measured numbers.

amount-percent = { $number }%
amount-percentage-points = { $number } percentage points
amount-unit = { $number } { $unit }

# What tables and pictures call the whole of something.

whole-municipality = The whole municipality
all-employees = All employees
