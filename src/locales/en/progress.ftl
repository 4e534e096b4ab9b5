# "37 of 52 committees are done"; $number is the expected number, which decides about singular and plural.
progress-label = { $done } of { $expected } { $counted ->
    [committees] { $number ->
        [one] committee
       *[other] committees
    }
    [units] { $number ->
        [one] unit
       *[other] units
    }
   *[assignments] { $number ->
        [one] assignment
       *[other] assignments
    }
} { $number ->
    [one] is
   *[other] are
} done
progress-nothing = Nothing is to be done yet
progress-as-of = as of { $day }

stage-done = Done
stage-in_progress = In progress
stage-not_started = Not started
stage-dropped = Dropped

progress-my-committees = My committees
progress-once = Once
progress-committee-itself = The committee itself
progress-with-committees-below = With all committees below it
