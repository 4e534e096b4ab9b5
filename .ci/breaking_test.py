"""Changes our own contract in many ways and checks what breaking.py reports.

    python3 .ci/breaking_test.py
"""

import copy
import json
import re
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

from breaking import Comparison, Unknown, breaks, digest_of, lines, says_so

CONTRACT: Any = json.loads((Path(__file__).parent.parent / "openapi/openapi.json").read_text())
Change = Callable[[Any], object]


def operation(contract: Any, name: str) -> Any:
    return next(one for path in contract["paths"].values() for one in path.values() if one["operationId"] == name)


def parameter(contract: Any, name: str, parameter: str) -> Any:
    return next(one for one in operation(contract, name)["parameters"] if one["name"] == parameter)


def schema(contract: Any, name: str) -> Any:
    return contract["components"]["schemas"][name]


def field(contract: Any, name: str, field: str) -> Any:
    return schema(contract, name)["properties"][field]


def drop_parameter(contract: Any, name: str, dropped: str) -> None:
    found = operation(contract, name)
    found["parameters"] = [one for one in found["parameters"] if one["name"] != dropped]


def drop_field(contract: Any, name: str, dropped: str) -> None:
    del schema(contract, name)["properties"][dropped]
    schema(contract, name)["required"].remove(dropped)


def add_field(contract: Any, name: str, required: bool) -> None:
    schema(contract, name)["properties"]["colour"] = {"type": "string"}
    if required:
        schema(contract, name)["required"].append("colour")


def add_parameter(contract: Any, name: str, required: bool) -> None:
    new = {"name": "colour", "in": "query", "required": required, "schema": {"type": "string"}}
    operation(contract, name)["parameters"].append(new)


def move_in_line(contract: Any, name: str, without: str = "") -> None:
    """Writes a named schema where it is used."""
    body = operation(contract, name)["responses"]["200"]["content"]["application/json"]
    body["schema"] = copy.deepcopy(schema(contract, body["schema"]["$ref"].rpartition("/")[2]))
    body["schema"]["properties"].pop(without, None)


def split_null(contract: Any, name: str, split: str) -> None:
    """Writes a type and null as two schemas."""
    found = field(contract, name, split)
    other = {**found, "type": found["type"][0]}
    found.clear()
    found.update(oneOf=[{"type": "null"}, other])


# What breaks, and how it is reported.
BREAKING: dict[str, tuple[Change, str]] = {
    "an operation is removed": (
        lambda it: it["paths"]["/v1/levels/{id}"].pop("delete"),
        r"^DELETE /v1/levels/\{id\}: the operation is gone$",
    ),
    "more fields are needed than were": (
        lambda it: schema(it, "ReportBody").update(minProperties=len(schema(it, "ReportBody")["required"]) + 1),
        r"ReportBody, .*: minProperties is \d+ now, not unsaid$",
    ),
    "a path is removed": (
        lambda it: it["paths"].pop("/v1/committees/tree"),
        r"^GET /v1/committees/tree: the operation is gone$",
    ),
    "an operation has another id": (
        lambda it: operation(it, "read_trio").update(operationId="get_trio"),
        r"^GET /v1/committees/\{id\}/trio: has the id get_trio now, not read_trio$",
    ),
    "a parameter is removed": (
        lambda it: drop_parameter(it, "list_committees", "ancestor"),
        r"^GET /v1/committees, query parameter ancestor: is gone$",
    ),
    "a new parameter must be sent": (
        lambda it: add_parameter(it, "list_committees", required=True),
        r"^GET /v1/committees, query parameter colour: must be sent now$",
    ),
    "a parameter must be sent": (
        lambda it: parameter(it, "list_committees", "level").update(required=True),
        r"^GET /v1/committees, query parameter level: must be sent now$",
    ),
    "a parameter has a narrower range": (
        lambda it: parameter(it, "list_committees", "limit")["schema"].update(maximum=10),
        r"^GET /v1/committees, query parameter limit: maximum is 10 now, not \d+$",
    ),
    "a parameter has another default": (
        lambda it: parameter(it, "list_committees", "limit")["schema"].update(default=3),
        r"^GET /v1/committees, query parameter limit: defaults to 3 now, not to \d+$",
    ),
    "a parameter takes a word less": (
        lambda it: schema(it, "SyncMode")["enum"].remove("delta"),
        r'^SyncMode, which clients send in POST /v1/hr-sync: "delta" is no longer taken$',
    ),
    "a body is no longer taken as a table": (
        lambda it: operation(it, "sync_hr")["requestBody"]["content"].pop("text/csv"),
        r"^POST /v1/hr-sync, body, text/csv: is no longer taken$",
    ),
    "a field of a body is removed": (
        lambda it: schema(it, "LevelBody")["properties"].pop("staff_meeting_below"),
        r"^LevelBody.staff_meeting_below, which clients send in POST /v1/import and \d+ more: is gone$",
    ),
    "a field of a body must be sent": (
        lambda it: schema(it, "LevelBody")["required"].append("staff_meeting_below"),
        r"^LevelBody.staff_meeting_below, which clients send in .*: must be sent now$",
    ),
    "a new field of a body must be sent": (
        lambda it: add_field(it, "LevelBody", required=True),
        r"^LevelBody.colour, which clients send in .*: must be sent now$",
    ),
    "a field of a body is shorter": (
        lambda it: field(it, "LevelBody", "name").update(maxLength=20),
        r"^LevelBody.name, which clients send in .*: maxLength is 20 now, not \d+$",
    ),
    "a field of a body has a pattern": (
        lambda it: field(it, "LevelBody", "name").update(pattern="^[a-z]+$"),
        r'^LevelBody.name, which clients send in .*: pattern is "\^\[a-z\]\+\$" now, not ',
    ),
    "a patch can't clear a field": (
        lambda it: field(it, "LevelBodyPatch", "staff_meeting_below").update(type="integer"),
        r"^LevelBodyPatch.staff_meeting_below, which clients send in .*: null is no longer taken$",
    ),
    "a status is removed": (
        lambda it: operation(it, "change_level")["responses"].pop("412"),
        r"^PATCH /v1/levels/\{id\}, answer 412: is gone$",
    ),
    "a success has another status": (
        lambda it: operation(it, "sync_hr")["responses"].update({"202": {"description": "Later"}}),
        r"^POST /v1/hr-sync, answer 202: may come now$",
    ),
    "a media type is no longer given": (
        lambda it: operation(it, "list_committees")["responses"]["200"]["content"].pop("text/csv"),
        r"^GET /v1/committees, answer 200, text/csv: is no longer given$",
    ),
    "a header is no longer given": (
        lambda it: operation(it, "read_level")["responses"]["200"]["headers"].pop("ETag"),
        r"^GET /v1/levels/\{id\}, answer 200, header ETag: is gone$",
    ),
    "a header of a shared answer is no longer given": (
        lambda it: it["components"]["responses"]["Unavailable"]["headers"].pop("Retry-After"),
        r"^GET /v1/levels, answer 503, header Retry-After: is gone$",
    ),
    "a field of an answer is removed": (
        lambda it: drop_field(it, "Level", "rank"),
        r"^Level.rank, which clients read in GET /v1/levels and \d+ more: is gone$",
    ),
    "a field of an answer has another type": (
        lambda it: field(it, "Level", "rank").update(type="string"),
        r"^Level.rank, which clients read in .*: string may come now$",
    ),
    "a field of an answer may be null": (
        lambda it: field(it, "Level", "rank").update(type=["integer", "null"]),
        r"^Level.rank, which clients read in .*: null may come now$",
    ),
    "a field of an answer may be missing": (
        lambda it: schema(it, "Level")["required"].remove("rank"),
        r"^Level.rank, which clients read in .*: may be missing now$",
    ),
    "a field of an answer has another format": (
        lambda it: field(it, "Level", "created_at").pop("format"),
        r'^Level.created_at, which clients read in .*: format is unsaid now, not "date-time"$',
    ),
    "a field of an answer holds more": (
        lambda it: field(it, "Level", "name").update(maxLength=5000),
        r"^Level.name, which clients read in .*: maxLength is 5000 now, not \d+$",
    ),
    "an answer has another word": (
        lambda it: schema(it, "VerdictKind")["enum"].append("unheard_of"),
        r'^VerdictKind, which clients read in .*: "unheard_of" may come now$',
    ),
    "a list has other items": (
        lambda it: field(it, "LevelPage", "items")["items"].update({"$ref": "#/components/schemas/Unit"}),
        r"^Level.rank, which clients read in GET /v1/levels: is gone$",
    ),
    "a schema that holds itself changes": (
        lambda it: drop_field(it, "CommitteeNode", "name"),
        r"^CommitteeNode.name, which clients read in GET /v1/committees/tree: is gone$",
    ),
    "what is written in line changes": (
        lambda it: move_in_line(it, "read_trio", without="complete"),
        r"^GET /v1/committees/\{id\}/trio, answer 200, application/json.complete: is gone$",
    ),
    "a scope no longer suffices": (
        lambda it: operation(it, "list_units").update(security=[{"bearer": ["med.read"]}]),
        r"^GET /v1/units: med.hr no longer suffices$",
    ),
    "another scope is needed besides": (
        lambda it: operation(it, "list_levels").update(security=[{"bearer": ["med.read", "med.hr"]}]),
        r"^GET /v1/levels: med.read no longer suffices$",
    ),
    "a token is needed": (
        lambda it: operation(it, "read_contract").update(security=[{"bearer": []}]),
        r"^GET /v1/openapi.json: needs a token now$",
    ),
    "tokens travel in another way": (
        lambda it: it["components"]["securitySchemes"]["bearer"].update(type="apiKey"),
        r"^security scheme bearer: is another one now$",
    ),
}

HARMLESS: dict[str, Change] = {
    "nothing": lambda it: None,
    "as many fields are needed as were": lambda it: schema(it, "ReportBody").update(
        minProperties=len(schema(it, "ReportBody")["required"])
    ),
    "an operation is added": lambda it: it["paths"].update(
        {"/v1/colours": {"get": {"operationId": "list_colours", "responses": {}}}}
    ),
    "a parameter is added": lambda it: add_parameter(it, "list_committees", required=False),
    "a parameter needn't be sent": lambda it: parameter(it, "change_level", "If-Match").update(required=False),
    "a parameter has a wider range": lambda it: parameter(it, "list_levels", "limit")["schema"].update(maximum=9999),
    "a parameter takes another word": lambda it: schema(it, "Format")["enum"].append("guess"),
    "a header is in small letters": lambda it: parameter(it, "change_level", "If-Match").update(name="if-match"),
    "a field of a body is added": lambda it: add_field(it, "LevelBody", required=False),
    "a field of a body needn't be sent": lambda it: schema(it, "ReportBody")["required"].remove("stage"),
    "a field of a body is longer": lambda it: field(it, "ReportBody", "note").update(maxLength=50000),
    "a field of a body may be null": lambda it: field(it, "HrEmployee", "key").update(type=["string", "null"]),
    "a body is taken in another form": lambda it: operation(it, "create_level")["requestBody"]["content"].update(
        {"text/csv": {"schema": {"type": "string"}}}
    ),
    "an answer is given in another form": lambda it: operation(it, "list_levels")["responses"]["200"]["content"].update(
        {"text/csv": {"schema": {"type": "string"}}}
    ),
    "a field of an answer is added": lambda it: add_field(it, "Level", required=True),
    "a field of an answer is never null": lambda it: field(it, "Level", "staff_meeting_below").update(type="integer"),
    "a field of an answer holds less": lambda it: field(it, "Level", "name").update(maxLength=20),
    "an answer has a word less": lambda it: schema(it, "VerdictKind")["enum"].pop(),
    "an answer has another header": lambda it: operation(it, "list_levels")["responses"]["200"]["headers"].update(
        {"Sunset": {"schema": {"type": "string"}}}
    ),
    "a request may fail in another way": lambda it: operation(it, "list_levels")["responses"].update(
        {"451": {"description": "Not allowed by law"}}
    ),
    "a lesser scope suffices": lambda it: operation(it, "list_units")["security"].append({"bearer": ["med.progress"]}),
    "no token is needed": lambda it: operation(it, "list_units").update(security=[]),
    "texts": lambda it: (
        field(it, "Level", "name").update(description="Otherwise", example="Another"),
        operation(it, "list_levels").update(summary="Otherwise", description="Otherwise", tags=["other"]),
    ),
    "what is named is written in line": lambda it: move_in_line(it, "read_trio"),
    "null and a type are written as alternatives": lambda it: split_null(it, "Level", "staff_meeting_below"),
}


class Breaking(unittest.TestCase):
    def changed(self, change: Change) -> Any:
        contract = copy.deepcopy(CONTRACT)
        change(contract)
        return contract

    def test_what_breaks_is_told(self) -> None:
        for name, (change, message) in BREAKING.items():
            with self.subTest(name):
                found = breaks(CONTRACT, self.changed(change))
                self.assertTrue(any(re.search(message, one) for one in found), f"{message} is not in {found}")

    def test_what_does_not_break_is_not_told(self) -> None:
        for name, change in HARMLESS.items():
            with self.subTest(name):
                self.assertEqual(breaks(CONTRACT, self.changed(change)), [])

    def test_what_it_does_not_know_is_not_passed_over(self) -> None:
        for keyword in ("not", "patternProperties", "allOf", "maxContains"):
            contract = self.changed(lambda it: None)
            schema(contract, "Level")[keyword] = {}
            with self.subTest(keyword), self.assertRaises(Unknown):
                breaks(CONTRACT, contract)

    def test_each_shared_schema_is_compared_once(self) -> None:
        comparison = Comparison(CONTRACT, self.changed(lambda it: drop_field(it, "Level", "rank")))
        places = {found.operation for found in comparison.breaks()}
        self.assertTrue(any("levels" in place for place in places) and len(places) > 3, places)
        message = breaks(CONTRACT, self.changed(lambda it: drop_field(it, "Level", "rank")))
        self.assertEqual(len(message), 1, message)

    def test_a_digest_promises_what_its_contract_does(self) -> None:
        written = json.loads(lines(digest_of(CONTRACT)))
        self.assertEqual(breaks(written, CONTRACT) + breaks(CONTRACT, written), [])
        for name, (change, _) in BREAKING.items():
            with self.subTest(name):
                changed = self.changed(change)
                self.assertEqual(breaks(written, changed), breaks(CONTRACT, changed))

    def test_a_digest_is_small(self) -> None:
        self.assertLess(len(lines(digest_of(CONTRACT)).splitlines()), 600)

    def test_versions(self) -> None:
        for old, new, good in [
            ((0, 1, 0), (0, 1, 1), False),
            ((0, 1, 0), (0, 2, 0), True),
            ((0, 1, 0), (1, 0, 0), True),
            ((1, 2, 3), (1, 3, 0), False),
            ((1, 2, 3), (2, 0, 0), True),
        ]:
            with self.subTest(old=old, new=new):
                self.assertEqual(says_so(old, new), good)

    def test_what_breaks_fails_unless_the_version_says_so(self) -> None:
        gone = self.changed(lambda it: it["paths"].pop("/v1/committees/tree"))
        for contract, old, new, status, message in [
            (CONTRACT, "0.1.0", "0.1.0", 0, "0.1.0 keeps what 0.1.0 promises"),
            (gone, "0.1.0", "0.1.1", 1, "GET /v1/committees/tree: the operation is gone"),
            (gone, "0.1.0", "0.2.0", 0, "GET /v1/committees/tree: the operation is gone"),
            (gone, "1.0.0", "1.1.0", 1, "raise number 1 of the version"),
            (gone, "1.0.0", "2.0.0-beta.1", 0, "2.0.0-beta.1 breaks what 1.0.0 promises"),
            (CONTRACT, "0.2.0", "0.1.9", 1, "0.1.9 comes before 0.2.0"),
        ]:
            with self.subTest(old=old, new=new), tempfile.TemporaryDirectory() as folder:
                files = [Path(folder, "old.json"), Path(folder, "new.json")]
                for file, content, version in zip(files, (CONTRACT, contract), (old, new)):
                    file.write_text(json.dumps({**content, "info": {**content["info"], "version": version}}))
                program = [sys.executable, str(Path(__file__).parent / "breaking.py"), *map(str, files)]
                ended = subprocess.run(program, capture_output=True, text=True)
                self.assertEqual(ended.returncode, status, ended)
                self.assertIn(message, ended.stdout + ended.stderr)


if __name__ == "__main__":
    unittest.main()
