#!/usr/bin/env python3
"""Pulls the values of one indicator and pushes two, with Python's standard library alone.

    export MEDSTRATEGI_URL=http://127.0.0.1:8080 MEDSTRATEGI_TOKEN=...    # a token with med.read and med.measure
    python3 pull_and_push.py sygefravaer
"""

import json
import os
import sys
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

URL = os.environ["MEDSTRATEGI_URL"]
TOKEN = os.environ["MEDSTRATEGI_TOKEN"]


def call(method, path, body=None):
    """What the service answers; raises where it refuses, with what it said."""
    request = Request(URL + path, method=method, data=None if body is None else json.dumps(body).encode())
    request.add_header("Authorization", f"Bearer {TOKEN}")
    request.add_header("Content-Type", "application/json")
    try:
        with urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except HTTPError as error:
        raise RuntimeError(f"{method} {path}: {error.code}\n{error.read().decode()}") from None


def pull(key, query):
    """The indicator, and its values, page by page."""
    values, cursor = [], {}
    while True:
        page = call("GET", f"/v1/indicators/{key}/values?{urlencode(query | cursor)}")
        values += page["items"]
        if page["next"] is None:
            return page["indicator"], values
        cursor = {"cursor": page["next"]}


def push(key, values):
    """Stores the values, all or nothing; sent again, they change nothing."""
    return call("PUT", f"/v1/indicators/{key}/values", {"values": values})


key = sys.argv[1] if len(sys.argv) > 1 else "sygefravaer"

# Without "unit", a value is the whole municipality's; "is_provisional" says that it may still change.
counts = push(key, [{"period": "2026-09", "value": 5.2}, {"period": "2026-10", "value": 5.1, "is_provisional": True}])
print(", ".join(f"{name}: {count}" for name, count in counts.items()))

# The whole municipality (unit=), everybody (group=), from 2024 on.
indicator, values = pull(key, {"unit": "", "group": "", "from": "2024"})
print(f"{indicator['title']}, {indicator['unit_of_measure']}; {indicator['source']}; {indicator['values_updated_at']}")
for row in values:
    shown = "hidden" if row["is_suppressed"] else row["value"]  # What is hidden is not zero, and not missing.
    print(row["period"], shown, "(provisional)" if row["is_provisional"] else "")
