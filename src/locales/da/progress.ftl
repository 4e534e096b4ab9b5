# "37 af 52 udvalg er i mål"; $number is the expected number, which decides about singular and plural.
progress-label = { $done } af { $expected } { $counted ->
    [committees] udvalg
    [units] { $number ->
        [one] enhed
       *[other] enheder
    }
   *[assignments] { $number ->
        [one] opgave
       *[other] opgaver
    }
} er i mål
progress-nothing = Der er intet at gøre endnu
progress-as-of = pr. { $day }

stage-done = I mål
stage-in_progress = I gang
stage-not_started = Ikke begyndt
stage-dropped = Opgivet

progress-my-committees = Mine udvalg
progress-once = Én gang
progress-committee-itself = Udvalget selv
progress-with-committees-below = Med alle udvalg under det
