# Words of an indicator's chart and of its values as a cube.

chart-hidden = Hidden: small group
chart-provisional = Provisional
chart-nothing = There are no values yet
# "Target 2026: at most 11.5"
chart-target = { $period ->
    [none] Target
   *[other] Target { $period }
}: { $rule ->
    [at_least] at least { $value }
    [full_coverage] at least { $value }
    [at_most] at most { $value }
    [more_than_period] more than { $value }
    [less_than_period] less than { $value }
   *[other] { $value }
}

cube-indicator = Indicator
cube-indicators = Indicators
cube-period = Period
cube-unit = Unit
cube-group = Employee group
