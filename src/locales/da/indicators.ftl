# Words of an indicator's chart and of its values as a cube.

chart-hidden = Skjult: lille gruppe
chart-provisional = Foreløbig
chart-nothing = Der er ingen værdier endnu
# "Mål 2026: højst 11,5"
chart-target = { $period ->
    [none] Mål
   *[other] Mål { $period }
}: { $rule ->
    [at_least] mindst { $value }
    [full_coverage] mindst { $value }
    [at_most] højst { $value }
    [more_than_period] mere end { $value }
    [less_than_period] mindre end { $value }
   *[other] { $value }
}

cube-indicator = Indikator
cube-indicators = Indikatorer
cube-period = Periode
cube-unit = Enhed
cube-group = Medarbejdergruppe
