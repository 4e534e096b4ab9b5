"""Reads the service's cubes as statistics programs do, against a server with the demo's municipality.

    TOKEN=... READER=... cube_check.py URL

TOKEN sees every value, READER those that the house may see (med.read). pyjstat makes a table of each cube, and that
must hold the numbers of the CSV at the same cells, and none where the CSV has none; jsonstat-validator says whether
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
QUERIES = [
    "/v1/indicators/sygefravaer/values?unit=&group=",
    "/v1/indicators/trivsel/values?from=2023",
    "/v1/indicators/arbejdsulykker/values?unit=center-boern-skole&subtree=true",
    "/v1/indicators/afgang-foerste-aar/values?from=2025&to=2025",
    "/v1/values?unit=&group=&latest=true",
    "/v1/values",
]

Cell = tuple[str, ...]


class Values(NamedTuple):
    """The content of either format: numbers, remarks on some of the cells, and units of measure."""

    numbers: dict[Cell, float]
    remarks: dict[Cell, str]
    units: dict[str, str]


def fetch(client: httpx.Client, query: str, form: str) -> str:
    """The answer in this form."""
    path, _, query = query.partition("?")
    answer = client.get(path, params={**dict(httpx.QueryParams(query)), "format": form})
    assert answer.status_code == httpx.codes.OK, f"{query}: {answer.status_code}: {answer.text}"
    return answer.text


def from_table(text: str) -> Values:
    """Reads the CSV."""
    numbers: dict[Cell, float] = {}
    remarks: dict[Cell, str] = {}
    units: dict[str, str] = {}
    for row in csv.DictReader(io.StringIO(text)):
        cell = (row["indicator"], row["period"], row["unit"] or ALL, row["group"] or ALL)
        assert cell not in numbers and cell not in remarks, f"{cell} is there twice"
        if row["value"]:
            numbers[cell] = float(row["value"])
        assert (row["value"] == "") == (row["is_suppressed"] == "true"), row
        if row["is_suppressed"] == "true":
            remarks[cell] = "suppressed"
        elif row["units"] and int(row["units_with_value"]) < int(row["units"]):
            remarks[cell] = "partial"
        elif row["is_provisional"] == "true":
            remarks[cell] = "provisional"
        if row["unit_of_measure"]:
            units[row["indicator"]] = row["unit_of_measure"]
    return Values(numbers, remarks, units)


def from_cube(text: str) -> Values:
    """Reads the cube with pyjstat."""
    assert validate_jsonstat(json.loads(text))  # It raises what is wrong.
    cube = pyjstat.Dataset.read(text)
    dimensions = cube["dimension"]
    table = cube.write("dataframe", naming="id")
    assert list(table.columns) == [*DIMENSIONS, "value"], table.columns
    assert len(table) == math.prod(cube["size"]) == len(cube["value"]), (len(table), cube["size"])
    for name in ("unit", "group"):
        categories = dimensions[name]["category"]
        assert set(categories["label"]) == set(categories["index"]) == set(table[name]), categories
    cells = [tuple(row) for row in table[DIMENSIONS].itertuples(index=False)]
    found = zip(cells, table["value"].tolist(), strict=True)
    numbers = {cell: float(value) for cell, value in found if value is not None and not math.isnan(value)}
    remarks = {cells[int(number)]: word for number, word in cube["status"].items()}
    described = dimensions["indicator"]["category"].get("unit", {})
    return Values(numbers, remarks, {key: unit["label"] for key, unit in described.items()})


def check(client: httpx.Client, query: str) -> Values:
    """Checks that both formats have the same content."""
    table, cube = from_table(fetch(client, query, "csv")), from_cube(fetch(client, query, "json-stat"))
    assert table.numbers and cube.numbers == table.numbers, (query, cube.numbers.items() ^ table.numbers.items())
    assert cube.remarks == table.remarks, (query, cube.remarks.items() ^ table.remarks.items())
    assert table.units.items() <= cube.units.items(), (query, cube.units, table.units)
    return table


def connect(token: str) -> httpx.Client:
    """A client that comes with this token."""
    # Requests to this machine need no proxy.
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=sys.argv[1], headers=headers, timeout=60, trust_env=False)


def main() -> None:
    hidden = 0
    with connect(os.environ["TOKEN"]) as measurer, connect(os.environ["READER"]) as reader:
        for query in QUERIES:
            whole, seen = check(measurer, query), check(reader, query)
            suppressed = {cell for cell, word in seen.remarks.items() if word == "suppressed"}
            assert "suppressed" not in whole.remarks.values(), f"{query}: hidden from who may measure"
            assert seen.numbers.items() <= whole.numbers.items(), query
            assert whole.numbers.keys() - seen.numbers.keys() == suppressed, query
            hidden += len(suppressed)
            print(f"{query}: {len(whole.numbers)} values, {len(suppressed)} of them hidden from readers")
    assert hidden > 0, "nothing was hidden, so hiding was not tried"


if __name__ == "__main__":
    main()
