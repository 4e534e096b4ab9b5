#!/usr/bin/env python3
"""Lists the changes of the contract that break clients of the last release.

    .ci/breaking.py RELEASED.json CONTRACT.json
    .ci/breaking.py --digest CONTRACT.json >openapi/released-digest.json

A new contract must accept at least what the old one accepted, and answer at most what the old one answered. So every
schema is compared in the direction in which its values travel. What clients send may become wider (an optional field, a
larger range, another word), what they read may become narrower; answers may get further fields and further failures.
Descriptions and examples are ignored. Ids of operations are not, since generated clients name their functions by them.

The second form writes everything of a contract that can be broken, one line for each operation and schema. A release
commits it, so that a clone without tags has it.

The exit status is 1 if something breaks and the version doesn't say so. By semantic versioning, a greater first number
says so, or, while that is 0, a greater second one.
"""

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

Json = dict[str, Any]

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}

# The keywords of schemas that this check knows. At any other it gives up, so as not to miss something.
LOWER_LIMITS = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
UPPER_LIMITS = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}
FORMS = {"format", "pattern", "multipleOf", "uniqueItems", "contentMediaType", "contentEncoding"}
STRUCTURE = {"type", "enum", "const", "properties", "required", "additionalProperties", "items", "oneOf", "anyOf"}
REMARKS = {"title", "description", "example", "examples", "deprecated", "readOnly", "writeOnly", "default"}
KNOWN = LOWER_LIMITS | UPPER_LIMITS | FORMS | STRUCTURE | REMARKS


class Unknown(Exception):
    """A part of a contract that this check can't judge."""


class Side(Enum):
    """Which way a value travels."""

    SENT = "clients send"
    READ = "clients read"


@dataclass(frozen=True)
class Break:
    """One broken promise. A schema with a name is reported under its name, not for each operation that uses it."""

    what: str
    place: str = ""
    schema: str = ""
    side: Side | None = None
    operation: str = ""

    def within(self, place: str) -> "Break":
        """The same break, seen from the part that contains it."""
        if self.schema:
            return self
        joint = "" if self.place.startswith("[") else "."
        return replace(self, place=f"{place}{joint}{self.place}" if self.place else place)


def within(place: str, found: Iterable[Break]) -> Iterator[Break]:
    return (one.within(place) for one in found)


class Comparison:
    """Of two contracts."""

    def __init__(self, old: Json, new: Json) -> None:
        self.old, self.new = old, new
        # What is known of pairs of schemas with names; such schemas may hold themselves.
        self.known: dict[tuple[Side, str, str], list[Break]] = {}

    def breaks(self) -> Iterator[Break]:
        """All that the old contract promises and the new one doesn't."""
        schemes, schemes_now = security_schemes(self.old), security_schemes(self.new)
        for name, scheme in schemes.items():
            if schemes_now.get(name) != scheme:
                yield Break("is another one now", operation=f"security scheme {name}")
        new_operations = dict(operations(self.new))
        for name, old in operations(self.old):
            if name in new_operations:
                found = self.operation(old, new_operations[name])
            else:
                found = iter([Break("the operation is gone")])
            yield from (replace(one, operation=name) for one in found)

    def operation(self, old: Json, new: Json) -> Iterator[Break]:
        if old.get("operationId") != new.get("operationId"):
            yield Break(f"has the id {new.get('operationId')} now, not {old.get('operationId')}")
        yield from self.security(old, new)
        yield from self.parameters(old, new)
        yield from self.body(old.get("requestBody"), new.get("requestBody"))
        yield from self.answers(old["responses"], new["responses"])

    def security(self, old: Json, new: Json) -> Iterator[Break]:
        """Every client that could call it still can: one of the alternatives demands nothing more."""
        ways_now = ways_in(self.new, new)
        for way in ways_in(self.old, old):
            if not any(way_now <= way for way_now in ways_now):
                scopes = sorted(scope for _, scope in way if scope)
                given = " and ".join(scopes) or "a token of any scope"
                yield Break(f"{given} no longer suffices" if way else "needs a token now")

    def parameters(self, old: Json, new: Json) -> Iterator[Break]:
        before, after = parameters(self.old, old), parameters(self.new, new)
        for place, parameter in after.items():
            if parameter.get("required") and not before.get(place, {}).get("required"):
                yield Break("must be sent now", place)
        for place, parameter in before.items():
            if place not in after:
                yield Break("is gone", place)
                continue
            for keyword in ("style", "explode", "allowReserved", "content"):
                if parameter.get(keyword) != after[place].get(keyword):
                    yield Break(f"is written in another way ({keyword})", place)
            yield from within(place, self.value(Side.SENT, parameter.get("schema", {}), after[place].get("schema", {})))

    def body(self, old: Json | None, new: Json | None) -> Iterator[Break]:
        before, after = resolved(self.old, old or {}), resolved(self.new, new or {})
        if after.get("required") and not before.get("required"):
            yield Break("must be sent now", "body")
        yield from self.content(Side.SENT, "body", before.get("content", {}), after.get("content", {}))

    def answers(self, old: Json, new: Json) -> Iterator[Break]:
        for status in new.keys() - old.keys():
            # Clients treat an unknown status as a failure, or requested it.
            if status.startswith("2"):
                yield Break("may come now", f"answer {status}")
        for status, answer in old.items():
            place = f"answer {status}"
            if status not in new:
                yield Break("is gone", place)
                continue
            before, after = resolved(self.old, answer), resolved(self.new, new[status])
            headers = {name.lower(): header for name, header in after.get("headers", {}).items()}
            for name, header in before.get("headers", {}).items():
                if name.lower() in headers:
                    now = resolved(self.new, headers[name.lower()])
                    found = self.value(Side.READ, resolved(self.old, header)["schema"], now["schema"])
                else:
                    found = iter([Break("is gone")])
                yield from within(f"{place}, header {name}", found)
            yield from self.content(Side.READ, place, before.get("content", {}), after.get("content", {}))

    def content(self, side: Side, place: str, old: Json, new: Json) -> Iterator[Break]:
        for media_type, body in old.items():
            if media_type in new:
                found = self.value(side, body.get("schema", {}), new[media_type].get("schema", {}))
            else:
                found = iter([Break(f"is no longer {'taken' if side is Side.SENT else 'given'}")])
            yield from within(f"{place}, {media_type}", found)

    def value(self, side: Side, old: Json, new: Json) -> Iterator[Break]:
        """Compares two schemas, by what may be written and what is expected."""
        yield from self.default(side, old, new)
        names = old.get("$ref", ""), new.get("$ref", "")
        if not all(names):
            yield from self.alternatives(side, old, new)
            return
        if (side, *names) not in self.known:
            self.known[side, *names] = []
            name = names[0].rpartition("/")[2]
            found = [*self.default(side, resolved(self.old, old), resolved(self.new, new))]
            found += self.alternatives(side, old, new)
            self.known[side, *names] = [one if one.schema else replace(one, schema=name, side=side) for one in found]
        yield from self.known[side, *names]

    @staticmethod
    def default(side: Side, old: Json, new: Json) -> Iterator[Break]:
        if side is Side.SENT and "default" in old and old["default"] != new.get("default"):
            yield Break(f"defaults to {show(new.get('default'))} now, not to {show(old['default'])}")

    def alternatives(self, side: Side, old: Json, new: Json) -> Iterator[Break]:
        """Whatever may be written fits one of the things that are expected."""
        writers, readers = alternatives(self.old, old), alternatives(self.new, new)
        if side is Side.READ:
            writers, readers = readers, writers
        for writer in writers:
            tried = [list(self.plain(side, writer, reader)) for reader in readers if type_fits(writer, reader)]
            surprise = Break(f"{writer.get('type', 'any type')} {unexpected(side)}")
            yield from min(tried, key=len, default=[surprise])

    def plain(self, side: Side, writer: Json, reader: Json) -> Iterator[Break]:
        """Compares schemas without alternatives, whose types fit."""
        old, new = (writer, reader) if side is Side.SENT else (reader, writer)
        written, expected = words(writer), words(reader)
        if expected is not None and written is None:
            yield Break(f"other words than {', '.join(map(show, expected))} {unexpected(side)}")
        elif expected is not None and written is not None:
            yield from (Break(f"{show(word)} {unexpected(side)}") for word in written if word not in expected)
        for keyword in sorted(reader.keys() & (LOWER_LIMITS | UPPER_LIMITS | FORMS)):
            if not keeps(keyword, limit(writer, keyword), reader[keyword]):
                yield Break(f"{keyword} is {show(new.get(keyword))} now, not {show(old.get(keyword))}")
        yield from self.fields(side, old, new)
        if "items" in reader:
            yield from within("[]", self.value(side, old.get("items", {}), new.get("items", {})))

    def fields(self, side: Side, old: Json, new: Json) -> Iterator[Break]:
        before, after = old.get("properties", {}), new.get("properties", {})
        must_before, must_now = old.get("required", []), new.get("required", [])
        if side is Side.SENT:
            yield from (Break("must be sent now", name) for name in must_now if name not in must_before)
        else:
            # What is gone entirely is reported below.
            missing = (name for name in must_before if name not in must_now and name in after)
            yield from (Break("may be missing now", name) for name in missing)
        for name, schema in before.items():
            found = self.value(side, schema, after[name]) if name in after else iter([Break("is gone")])
            yield from within(name, found)
        others_before, others_now = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if isinstance(others_before, dict) and isinstance(others_now, dict):
            yield from within("*", self.value(side, others_before, others_now))
        elif side is Side.SENT and others_before is not False and others_now is not True:
            yield Break("fields without a name here are no longer taken")
        elif side is Side.READ and isinstance(others_before, dict):
            yield Break("fields without a name here are of no known type now")


def operations(contract: Json) -> Iterator[tuple[str, Json]]:
    """By method and path."""
    for path, methods in contract["paths"].items():
        for method, operation in methods.items():
            if method not in METHODS:
                raise Unknown(f"{path}: {method}")
            yield f"{method.upper()} {path}", operation


def security_schemes(contract: Json) -> dict[str, Json]:
    """By name, without remarks."""
    schemes = contract.get("components", {}).get("securitySchemes", {})
    return {name: {key: scheme[key] for key in scheme.keys() - REMARKS} for name, scheme in schemes.items()}


def ways_in(contract: Json, operation: Json) -> list[set[tuple[str, str]]]:
    """The sets of schemes and scopes of which one is enough."""
    ways: list[dict[str, list[str]]] = operation.get("security", contract.get("security")) or [{}]
    return [{(scheme, scope) for scheme, scopes in way.items() for scope in ["", *scopes]} for way in ways]


def parameters(contract: Json, operation: Json) -> dict[str, Json]:
    """By place and name; names of headers may be written in capitals or not."""
    found = {}
    for parameter in operation.get("parameters", []):
        parameter = resolved(contract, parameter)
        name = parameter["name"].lower() if parameter["in"] == "header" else parameter["name"]
        found[f"{parameter['in']} parameter {name}"] = parameter
    return found


def resolved(contract: Json, value: Json) -> Json:
    """The target of a reference."""
    while "$ref" in value:
        expect_only(value.keys() - {"$ref"}, REMARKS, "beside a $ref")
        parts = value["$ref"].removeprefix("#/").split("/")
        value = contract
        for part in parts:
            value = value[part.replace("~1", "/").replace("~0", "~")]
    return value


def alternatives(contract: Json, schema: Json) -> list[Json]:
    """The schemas of which a value fits one, each with one type at most."""
    schema = resolved(contract, schema)
    expect_only(schema.keys(), KNOWN, "in a schema")
    for keyword in ("oneOf", "anyOf"):
        if keyword in schema:
            expect_only(schema.keys() - {keyword}, REMARKS, f"beside {keyword}")
            return [plain for branch in schema[keyword] for plain in alternatives(contract, branch)]
    types = schema.get("type")
    if not isinstance(types, list):
        return [schema]
    # Null has no length, no format and no words.
    return [{"type": "null"} if word == "null" else {**schema, "type": word} for word in types]


def expect_only(found: Iterable[str], known: set[str], where: str) -> None:
    if unknown := set(found) - known:
        raise Unknown(f"{', '.join(sorted(unknown))} {where}")


def type_fits(writer: Json, reader: Json) -> bool:
    written, expected = writer.get("type"), reader.get("type")
    return expected in (None, written) or (written, expected) == ("integer", "number")


def words(schema: Json) -> list[Any] | None:
    """The values of an enumeration, without null, which is a type of its own."""
    found = [schema["const"]] if "const" in schema else schema.get("enum")
    return found and [word for word in found if word is not None]


def limit(schema: Json, keyword: str) -> Any:
    """The value of a keyword. Required fields set a lower limit to the number of fields."""
    if keyword == "minProperties" and keyword not in schema:
        return len(schema.get("required", [])) or None
    return schema.get(keyword)


def keeps(keyword: str, written: Any, expected: Any) -> bool:
    """Whether what keeps to the one keeps to the other."""
    if keyword in FORMS:
        return bool(written == expected)
    if written is None:
        # Nothing is shorter than empty.
        return keyword in ("minLength", "minItems", "minProperties") and expected == 0
    return bool(written >= expected if keyword in LOWER_LIMITS else written <= expected)


def unexpected(side: Side) -> str:
    return "is no longer taken" if side is Side.SENT else "may come now"


def show(value: Any) -> str:
    return "unsaid" if value is None else json.dumps(value, ensure_ascii=False)


def breaks(old: Json, new: Json) -> list[str]:
    """What breaks, in sentences; what many operations share is reported once."""
    users: dict[Break, list[str]] = defaultdict(list)
    for found in Comparison(old, new).breaks():
        where = users[replace(found, operation="") if found.schema else found]
        if found.operation not in where:
            where.append(found.operation)
    sentences = []
    for one, found_in in users.items():
        if one.side:
            others = f" and {len(found_in) - 1} more" if len(found_in) > 1 else ""
            whole = replace(one, schema="").within(one.schema).place
            sentences.append(f"{whole}, which {one.side.value} in {found_in[0]}{others}: {one.what}")
        else:
            sentences.append(f"{one.operation}{', ' if one.place else ''}{one.place}: {one.what}")
    return sentences


# The members of a contract whose own members are names, not keywords.
NAMED = {"properties", "schemas", "responses", "headers", "paths", "content", "securitySchemes"}
NOT_DIGESTED = REMARKS - {"default"} | {"summary", "tags"}


def digest(value: Any, keyword: str = "", of_names: bool = False) -> Any:
    """A contract without the parts that no client depends on."""
    if isinstance(value, list) and keyword not in ("enum", "required", "default"):
        return [digest(one) for one in value]
    if not isinstance(value, dict) or keyword in ("default", "const"):
        return value
    return {
        name: digest(member, "" if of_names else name, not of_names and name in NAMED)
        for name, member in value.items()
        if of_names or name not in NOT_DIGESTED
    }


def digest_of(contract: Json) -> Json:
    """The parts of a contract that can be broken."""
    present = [name for name in ("security", "paths", "components") if name in contract]
    parts: Json = {name: digest(contract[name], name, name in NAMED) for name in present}
    return {"openapi": contract["openapi"], "info": {"version": contract["info"]["version"]}, **parts}


def lines(value: Any, depth: int = 0) -> str:
    """JSON with a line for each operation and each component."""
    if not isinstance(value, dict) or depth == 3 or not value:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    members = (f"{json.dumps(name)}: {lines(member, depth + 1)}" for name, member in value.items())
    return "{\n" + ",\n".join(members) + "\n}"


def version(contract: Json) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", contract["info"]["version"])[:3])


def says_so(old: tuple[int, ...], new: tuple[int, ...]) -> bool:
    """Whether the step from one version to the other says that something breaks."""
    return new[0] > old[0] or (old[0] == new[0] == 0 and new[1] > old[1])


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    if sys.argv[1] == "--digest":
        print(lines(digest_of(json.loads(Path(sys.argv[2]).read_text()))))
        return 0
    old, new = (json.loads(Path(name).read_text()) for name in sys.argv[1:])
    names = old["info"]["version"], new["info"]["version"]
    if version(new) < version(old):
        print(f"{names[1]} comes before {names[0]}, which is released.", file=sys.stderr)
        return 1
    try:
        found = breaks(old, new)
    except Unknown as unknown:
        print(f"This check doesn't know {unknown}.", file=sys.stderr)
        return 1
    if not found:
        print(f"{names[1]} keeps what {names[0]} promises")
        return 0
    good = says_so(version(old), version(new))
    print(f"{names[1]} breaks what {names[0]} promises:", *found, sep="\n  ", file=sys.stdout if good else sys.stderr)
    if not good:
        place = 1 if version(old)[0] else 2
        print(f"Take it back, or raise number {place} of the version in Cargo.toml.", file=sys.stderr)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
