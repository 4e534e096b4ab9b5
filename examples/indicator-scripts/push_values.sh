#!/bin/sh
# Pushes two values of one indicator: all or nothing. Sent again, they change nothing.
#
#     export MEDSTRATEGI_URL=http://127.0.0.1:8080 MEDSTRATEGI_TOKEN=...    # a token with med.measure
#     ./push_values.sh sygefravaer
set -eu
url=${MEDSTRATEGI_URL:?say where the service is, such as http://127.0.0.1:8080}
token=${MEDSTRATEGI_TOKEN:?give a token with the scope med.measure}

# Without "unit", a value is the whole municipality's; "is_provisional" says that it may still change.
values='{"values": [
    {"period": "2026-09", "value": 5.2},
    {"period": "2026-10", "value": 5.1, "is_provisional": true}
]}'

# The answer counts what was created, updated or unchanged; where the service refuses, it lists every fault, and the
# script ends with 1. The token goes through a pipe, since anybody on this machine can read command lines.
answer=$(printf 'Authorization: Bearer %s' "$token" |
    curl -sS --fail-with-body --max-time 60 -H @- -X PUT -H 'Content-Type: application/json' --data-binary "$values" \
        "$url/v1/indicators/${1:-sygefravaer}/values") || { printf '%s\n' "$answer" >&2; exit 1; }
printf '%s\n' "$answer"
