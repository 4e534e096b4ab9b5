#!/bin/sh
# Pulls the values of one indicator as CSV, and says what they count, where they come from and how fresh they are.
#
#     export MEDSTRATEGI_URL=http://127.0.0.1:8080 MEDSTRATEGI_TOKEN=...    # a token with med.read
#     ./pull_series.sh sygefravaer > sygefravaer.csv
set -eu
url=${MEDSTRATEGI_URL:?say where the service is, such as http://127.0.0.1:8080}
token=${MEDSTRATEGI_TOKEN:?give a token with the scope med.read}
series=$url/v1/indicators/${1:-sygefravaer}/values

# Asks, and ends the script where the service refuses, with what it said. The token goes through a pipe, since anybody
# on this machine can read command lines.
get() {
    answer=$(printf 'Authorization: Bearer %s' "$token" | curl -sS --fail-with-body --max-time 60 -H @- "$1") ||
        { printf '%s\n' "$answer" >&2; exit 1; }
}

# A text from the answer; nothing where it is null.
field() {
    printf '%s\n' "$answer" | sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p'
}

# Every answer in JSON begins with the indicator; one value is enough to see it.
get "$series?limit=1"
echo "unit of measure: $(field unit_of_measure)" >&2
echo "source: $(field source)" >&2
echo "latest update: $(field values_updated_at)" >&2

# The whole municipality (unit=), everybody (group=), from 2024 on.
get "$series?unit=&group=&from=2024&format=csv"
printf '%s\n' "$answer"
