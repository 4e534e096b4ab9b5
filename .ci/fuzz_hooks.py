"""What schemathesis can't read out of the contract: what periods and tables look like, and which refusals are right
although the request fits its schema."""

import csv
import io
import re

import schemathesis
from hypothesis import strategies as st
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import CoveragePhaseData
from schemathesis.openapi.checks import RejectedPositiveData

# Faults of form, which schemas express. Such a fault in a request that fits its schema means that the contract is wrong.
OF_FORM = re.compile(
    r"is missing$|is no field here|is of the wrong type|is not one of: |is not a (key|reference|date|uuid)|is blank: |is empty: write text"
    r"|does not fit the pattern|is longer than |is less than \d|is more than \d|has (more|fewer) than \d+ items$"
    r"|breaks the rule '|has none of the forms|invalid (type|value|length)|expected "
)

# Rules about the query that a schema can't express: combinations, and what depends on time or on the data.
OF_THE_QUERY = re.compile(
    r"'cursor' is not one of this list"
    r"|'on' is not valid: write a date from 1990-01-01 to "
    r"|holds a NUL character"
    r"|^CSV holds every row of the list"
    r"|^Tables, cubes and pictures hold all values"
    r"|^A benchmark has one value a period"
    r"|^The body is JSON: leave 'format' out"
    r"|^The body is a table: leave 'format' out"
    r"|^A JSON body names its sections itself"
    r"|^Say which section the CSV body is"
)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Whether a failure stays one."""
    if not isinstance(failure, RejectedPositiveData) or response.status_code not in (400, 422):
        return True
    # To a schema a table is any string.
    if case.media_type == "text/csv":
        return False
    problem = response.json()
    if response.status_code == 400:
        return not OF_THE_QUERY.search(problem["detail"])
    # What a patch leaves out, it leaves as it is; but where there was nothing, it is missing.
    faults = [fault["detail"] for fault in problem["errors"] if case.method != "PATCH" or fault["detail"] != "is missing"]
    return any(OF_FORM.match(fault) for fault in faults)


def periods():
    days = st.dates()
    forms = [
        lambda day: f"{day.year:04}",
        lambda day: f"{day.year:04}-H{(day.month + 5) // 6}",
        lambda day: f"{day.year:04}-Q{(day.month + 2) // 3}",
        lambda day: f"{day.year:04}-{day.month:02}",
        lambda day: day.isoformat(),
    ]
    return st.builds(lambda day, form: form(day), days, st.sampled_from(forms))


schemathesis.openapi.format("period", periods())


COLUMNS = [
    *("key", "name", "kind", "parent", "headcount", "starts_on", "ends_on"),
    *("email", "title", "unit", "has_personnel_responsibility", "name_protected"),
    *("period", "value", "group", "count", "is_provisional", "note"),
]
CELLS = ["", "skolen-ved-aaen", "m-1042", "workplace", "2026", "2026-10", "2026-10-31", "7", "7.5", "7,5", "true", "nej"]


@st.composite
def tables(draw):
    columns = draw(st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=8, unique=True))
    cell = st.sampled_from(CELLS) | st.text(max_size=20)
    rows = draw(st.lists(st.lists(cell, min_size=len(columns), max_size=len(columns)), max_size=5))
    text = io.StringIO()
    writer = csv.writer(text, delimiter=draw(st.sampled_from(",;")))
    writer.writerows([columns, *rows])
    return text.getvalue()


@schemathesis.hook
def flatmap_body(context, body):
    """Tables in the place of text: no JSON body of this contract is a string."""
    return tables() if isinstance(body, str) else st.just(body)


@schemathesis.hook
def before_call(context, case, kwargs):
    """In its coverage phase schemathesis writes headers in letters and digits alone, whatever their pattern says, so
    that no PUT would get as far as its body."""
    data = case.meta and case.meta.phase.data
    if not isinstance(data, CoveragePhaseData):
        return
    if case.meta.generation.mode.is_negative and data.parameter_location == ParameterLocation.HEADER:
        return
    if case.headers.get("If-Match", "*").isalnum():
        case.headers["If-Match"] = "*"
    if case.method == "PUT" and case.headers.get("If-None-Match", "*").isalnum():
        del case.headers["If-None-Match"]
