"""Reads the service's cubes as statistics programs do, against a server with the demo's municipality.

    TOKEN=... READER=... cube_check.py URL

TOKEN sees every value, READER those that the house may see (med.read). pyjstat makes a table of each cube, and that
must hold the numbers of the CSV at the same places, and none where the CSV has none; jsonstat-validator says whether
the cube is JSON-stat 2.0.
"""

import csv
import io
import json
import math
import os
import sys
from typing import NamedTuple

import httpx
from jsonstat_validator import validate_jsonstat  # type: ignore[import-untyped]
from pyjstat import pyjstat  # type: ignore[import-untyped]

DIMENSIONS = ["indicator", "period", "unit", "group"]
ALL = "_all"  # The whole municipality, and everybody.
QUESTIONS = [
    "/v1/indicators/sygefravaer/values?unit=&group=",
    "/v1/indicators/trivsel/values?from=2023",
    "/v1/indicators/arbejdsulykker/values?unit=center-boern-skole&subtree=true",
    "/v1/indicators/afgang-foerste-aar/values?from=2025&to=2025",
    "/v1/values?unit=&group=&latest=true",
    "/v1/values",
]

Place = tuple[str, ...]


class Values(NamedTuple):
    """What is told by either form: the numbers, what else is to be known of some places, and the units of measure."""

    numbers: dict[Place, float]
    remarks: dict[Place, str]
    units: dict[str, str]


def fetch(client: httpx.Client, question: str, form: str) -> str:
    """The answer in this form."""
    path, _, query = question.partition("?")
    answer = client.get(path, params={**dict(httpx.QueryParams(query)), "format": form})
    assert answer.status_code == httpx.codes.OK, f"{question}: {answer.status_code}: {answer.text}"
    return answer.text


def from_table(text: str) -> Values:
    """What the CSV tells."""
    numbers: dict[Place, float] = {}
    remarks: dict[Place, str] = {}
    units: dict[str, str] = {}
    for row in csv.DictReader(io.StringIO(text)):
        place = (row["indicator"], row["period"], row["unit"] or ALL, row["group"] or ALL)
        assert place not in numbers and place not in remarks, f"{place} stands there twice"
        if row["value"]:
            numbers[place] = float(row["value"])
        assert (row["value"] == "") == (row["is_suppressed"] == "true"), row
        if row["is_suppressed"] == "true":
            remarks[place] = "suppressed"
        elif row["units"] and int(row["units_with_value"]) < int(row["units"]):
            remarks[place] = "partial"
        elif row["is_provisional"] == "true":
            remarks[place] = "provisional"
        if row["unit_of_measure"]:
            units[row["indicator"]] = row["unit_of_measure"]
    return Values(numbers, remarks, units)


def from_cube(text: str) -> Values:
    """What the cube tells, by what pyjstat makes of it."""
    assert validate_jsonstat(json.loads(text))  # It raises what is wrong.
    cube = pyjstat.Dataset.read(text)
    dimensions = cube["dimension"]
    table = cube.write("dataframe", naming="id")
    assert list(table.columns) == [*DIMENSIONS, "value"], table.columns
    assert len(table) == math.prod(cube["size"]) == len(cube["value"]), (len(table), cube["size"])
    for name in ("unit", "group"):
        categories = dimensions[name]["category"]
        assert set(categories["label"]) == set(categories["index"]) == set(table[name]), categories
    places = [tuple(row) for row in table[DIMENSIONS].itertuples(index=False)]
    found = zip(places, table["value"].tolist(), strict=True)
    numbers = {place: float(value) for place, value in found if value is not None and not math.isnan(value)}
    remarks = {places[int(number)]: word for number, word in cube["status"].items()}
    described = dimensions["indicator"]["category"].get("unit", {})
    return Values(numbers, remarks, {key: unit["label"] for key, unit in described.items()})


def check(client: httpx.Client, question: str) -> Values:
    """Both forms must tell the same."""
    table, cube = from_table(fetch(client, question, "csv")), from_cube(fetch(client, question, "json-stat"))
    assert table.numbers and cube.numbers == table.numbers, (question, cube.numbers.items() ^ table.numbers.items())
    assert cube.remarks == table.remarks, (question, cube.remarks.items() ^ table.remarks.items())
    assert table.units.items() <= cube.units.items(), (question, cube.units, table.units)
    return table


def connect(token: str) -> httpx.Client:
    """A client that comes with this token."""
    # No proxy stands between this machine and itself.
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=sys.argv[1], headers=headers, timeout=60, trust_env=False)


def main() -> None:
    hidden = 0
    with connect(os.environ["TOKEN"]) as measurer, connect(os.environ["READER"]) as reader:
        for question in QUESTIONS:
            whole, seen = check(measurer, question), check(reader, question)
            suppressed = {place for place, word in seen.remarks.items() if word == "suppressed"}
            assert "suppressed" not in whole.remarks.values(), f"{question}: hidden from who may measure"
            assert seen.numbers.items() <= whole.numbers.items(), question
            assert whole.numbers.keys() - seen.numbers.keys() == suppressed, question
            hidden += len(suppressed)
            print(f"{question}: {len(whole.numbers)} values, {len(suppressed)} of them hidden from readers")
    assert hidden > 0, "nothing was hidden, so hiding was not tried"


if __name__ == "__main__":
    main()
