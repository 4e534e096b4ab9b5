"""Works with the client that .ci/contract generated, against a server with the demo's municipality.

    TOKEN=... READER=... client_check.py URL

TOKEN may do everything, READER only read (med.read).

Every answer goes through the generated models, and each is compared with the JSON that came, so that the contract
must describe all of it. What the generator leaves to its user:

- The headers of answers are not generated: ETag, Location and X-Request-Id are read from the response.
- `Response.parsed` is a union of the models of all statuses; `expect` narrows it.
- `sync_detailed` is used throughout, since `sync` gives neither status nor headers.
- Ranges, lengths and patterns are not checked by the models, so the server's refusal can be tested with them.
- Objects without a fixed shape (a change's `before` and `after`) are dicts inside a model.
"""

import io
import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

import attrs
import httpx
from medstrategi_client import AuthenticatedClient
from medstrategi_client.api.actions import (
    create_report,
    list_assignments_of_action,
    list_reports,
    read_action_progress,
)
from medstrategi_client.api.audit import list_changes
from medstrategi_client.api.bundles import export_bundle, import_bundle
from medstrategi_client.api.committees import (
    change_level,
    create_level,
    delete_level,
    list_committee_proposals,
    list_committees,
    list_levels,
    list_members,
    read_committee_tree,
    read_level,
    read_trio,
)
from medstrategi_client.api.indicators import (
    create_indicator,
    delete_indicator,
    list_benchmark_values,
    list_indicators,
    list_replaced_values,
    list_values,
    list_values_of_indicators,
    list_verdicts,
    write_values,
)
from medstrategi_client.api.organisation import list_units
from medstrategi_client.api.people import read_me, sync_hr
from medstrategi_client.api.service import describe_problem
from medstrategi_client.api.strategies import (
    list_strategies,
    read_objective_progress,
    read_strategy,
    read_strategy_progress,
)
from medstrategi_client.models import (
    ActionKind,
    AssignmentPage,
    Bundle,
    Change,
    ChangeAfterType0,
    ChangeBeforeType0,
    ChangePage,
    CommitteeNode,
    CommitteePage,
    CommitteeTree,
    Counts,
    Direction,
    Format,
    Frequency,
    HrEmployee,
    HrSync,
    ImportAnswer,
    Indicator,
    IndicatorBody,
    IndicatorPage,
    IndicatorValuesPage,
    IndicatorVerdicts,
    InputKind,
    Level,
    LevelBody,
    LevelBodyPatch,
    LevelPage,
    Me,
    MemberPage,
    Method,
    Operation,
    Problem,
    ProblemKind,
    Progress,
    ProgressPartPage,
    ProposalKind,
    ProposalPage,
    ReplacedValuePage,
    Report,
    ReportBody,
    ReportPage,
    SectionCounts,
    Stage,
    Strategy,
    StrategyStatus,
    StrategySummaryPage,
    SyncAnswer,
    SyncMode,
    Target,
    TargetRule,
    Trio,
    UnitPage,
    ValueCounts,
    ValueRow,
    ValuesBody,
    ValuesPage,
    VerdictCounts,
    VerdictKind,
)
from medstrategi_client.types import UNSET, File, Response, Unset

T = TypeVar("T")


class Model(Protocol):
    """What every generated model has."""

    def to_dict(self) -> dict[str, Any]: ...


M = TypeVar("M", bound=Model)


class Page(Model, Protocol[T]):
    """What every generated page has."""

    items: list[T]
    next_: str | None


def same(ours: Any, theirs: Any) -> bool:
    """Whether two JSON values are the same; models write times with `+00:00` where the service writes `Z`."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, str) and isinstance(theirs, str) and theirs.endswith("Z") and ours.endswith("+00:00"):
        return datetime.fromisoformat(ours) == datetime.fromisoformat(theirs)
    return type(ours) is type(theirs) and bool(ours == theirs)


def undescribed(value: object, where: str) -> list[str]:
    """The properties that the service sent and the contract doesn't name."""
    if isinstance(value, list):
        return [name for place, item in enumerate(value) for name in undescribed(item, f"{where}/{place}")]
    shape = type(value)
    if not attrs.has(shape):
        return []
    fields = attrs.fields_dict(shape)
    found = []
    for field in fields:
        if field != "additional_properties":
            found += undescribed(getattr(value, field), f"{where}/{field}")
        elif len(fields) > 1:  # A model with nothing else is an object without a fixed shape.
            found += [f"{where}/{name}" for name in getattr(value, field)]
    return found


def expect(status: HTTPStatus, model: type[M], response: Response[Any]) -> M:
    """The answer, which must have this status and be whole in this model."""
    assert response.status_code == status, f"{response.status_code} in place of {status}: {response.content!r}"
    parsed = response.parsed
    assert isinstance(parsed, model), f"{type(parsed)} in place of {model}"
    assert undescribed(parsed, "") == [], undescribed(parsed, "")
    sent = json.loads(response.content)
    assert same(parsed.to_dict(), sent), f"the model lost something of {sent}"
    kind = "application/problem+json" if model is Problem else "application/json"
    assert response.headers["content-type"] == kind, response.headers["content-type"]
    return parsed


def expect_nothing(status: HTTPStatus, response: Response[Any]) -> None:
    """The answer must have this status and no body."""
    assert response.status_code == status, f"{response.status_code} in place of {status}: {response.content!r}"
    assert response.content == b"" and response.parsed is None


def expect_problem(status: HTTPStatus, type_: str, instance: str, response: Response[Any]) -> Problem:
    """The problem, which must be of this type."""
    problem = expect(status, Problem, response)
    assert (problem.status, problem.type_, problem.instance) == (status, type_, instance), problem
    assert problem.request_id == response.headers["x-request-id"]
    return problem


def every(page_type: type[Page[T]], fetch: Callable[[str | Unset], Response[Any]], limit: int = 2) -> list[T]:
    """The rows of all pages."""
    rows: list[T] = []
    cursor: str | Unset = UNSET
    while True:
        page = expect(HTTPStatus.OK, page_type, fetch(cursor))
        rows += page.items
        if page.next_ is None:
            assert len(page.items) <= limit, page
            return rows
        assert len(page.items) == limit, page  # Only the last page may be shorter than the limit.
        assert page.next_ != cursor, "the list goes round in circles"
        cursor = page.next_


def etag(response: Response[Any]) -> str:
    """The answer's ETag."""
    tag = response.headers["etag"]
    assert tag.startswith('"') and tag.endswith('"'), tag
    return tag


def keys(rows: Any) -> list[str]:
    """The rows' keys, each of which must be there once."""
    found = [str(row.key) for row in rows]
    assert found and len(found) == len(set(found)), found
    return found


def check_lists(client: AuthenticatedClient, bundle: Bundle) -> None:
    """The lists hold, over all their pages, what the bundle holds, and refer to each other."""
    levels = every(LevelPage, lambda at: list_levels.sync_detailed(client=client, limit=2, cursor=at))
    units = every(UnitPage, lambda at: list_units.sync_detailed(client=client, limit=2, cursor=at))
    committees = every(CommitteePage, lambda at: list_committees.sync_detailed(client=client, limit=2, cursor=at))
    strategies = every(StrategySummaryPage, lambda at: list_strategies.sync_detailed(client=client, limit=2, cursor=at))

    assert sorted(keys(levels)) == sorted(keys(bundle.levels))
    assert sorted(keys(units)) == sorted(keys(bundle.units))
    assert sorted(keys(committees)) == sorted(keys(bundle.committees))
    assert sorted(keys(strategies)) == sorted(keys(bundle.strategies))
    assert min(len(levels), len(units), len(committees)) > 2, "too few rows to turn a page"

    assert [level.rank for level in levels] == sorted(level.rank for level in levels)
    assert {unit.parent for unit in units} <= {None, *keys(units)}
    assert {committee.parent for committee in committees} <= {None, *keys(committees)}
    assert {committee.level for committee in committees} <= {None, *keys(levels)}
    covered = {unit for committee in committees for unit in committee.units or []}
    assert covered and covered <= set(keys(units))
    print(f"lists: {len(levels)} levels, {len(units)} units, {len(committees)} committees, {len(strategies)} plans")


def check_tree(client: AuthenticatedClient, bundle: Bundle) -> None:
    """The plan comes whole."""
    plan = expect(HTTPStatus.OK, Strategy, read_strategy.sync_detailed("med-plan-2025-2028", client=client))
    assert plan.status is StrategyStatus.ADOPTED
    assert plan.predecessor in keys(bundle.strategies)
    actions = [action for area in plan.focus_areas for action in area.actions]
    assert (len(keys(plan.focus_areas)), len(actions)) == (4, 18)

    addressees = {
        "level": keys(bundle.levels),
        "committee": keys(bundle.committees),
        "unit": keys(bundle.units),
    }
    for area in plan.focus_areas:
        assert area.path == f"{plan.key}/{area.key}"
        for objective in area.objectives:
            assert objective.path == f"{area.path}/{objective.key}"
        for action in area.actions:
            assert action.path == f"{area.path}/{action.key}"
            assert isinstance(action.kind, ActionKind) and action.audience, action
            for entry in action.audience:
                named = [kind for kind in addressees if getattr(entry, kind)]
                assert len(named) == 1 and getattr(entry, named[0]) in addressees[named[0]], entry
            assert set(action.after or []) <= set(keys(actions)), action
    print(f"tree: {len(plan.focus_areas)} focus areas, {len(actions)} actions")


def check_level(client: AuthenticatedClient) -> Level:
    """A level can be created, changed and deleted, by those who saw its last version; gives it as it was last."""
    new = LevelBody(key="contract-check", name="Udvalg på prøve", rank=7, staff_meeting_below=12)
    created = create_level.sync_detailed(client=client, body=new)
    level = expect(HTTPStatus.CREATED, Level, created)
    assert (level.key, level.name, level.rank, level.staff_meeting_below) == (new.key, new.name, 7, 12)
    path = f"/v1/levels/{new.key}"
    assert created.headers["location"] == path

    read = read_level.sync_detailed(new.key, client=client)
    assert expect(HTTPStatus.OK, Level, read) == level
    first = etag(read)
    assert first == etag(created)
    expect_nothing(HTTPStatus.NOT_MODIFIED, read_level.sync_detailed(new.key, client=client, if_none_match=first))

    taken = create_level.sync_detailed(client=client, body=new)
    expect_problem(HTTPStatus.CONFLICT, "/problems/already-exists", "/v1/levels", taken)
    wrong = create_level.sync_detailed(client=client, body=LevelBody(key="contract-check-2", name="X", rank=0))
    refused = expect_problem(HTTPStatus.UNPROCESSABLE_ENTITY, "/problems/invalid-body", "/v1/levels", wrong)
    assert refused.errors and [fault.pointer for fault in refused.errors] == ["/rank"], refused

    # By RFC 7396 null clears, and a missing field stays. The model has None and UNSET for them.
    patch = LevelBodyPatch(name="Udvalg til prøve", staff_meeting_below=None)
    changed = change_level.sync_detailed(new.key, client=client, body=patch, if_match=first)
    level = expect(HTTPStatus.OK, Level, changed)
    assert (level.name, level.rank, level.staff_meeting_below, level.version) == (patch.name, 7, None, 2)
    second = etag(changed)
    assert second != first

    stale = change_level.sync_detailed(new.key, client=client, body=LevelBodyPatch(rank=8), if_match=first)
    problem = expect_problem(HTTPStatus.PRECONDITION_FAILED, "/problems/precondition-failed", path, stale)
    kind = describe_problem.sync_detailed(problem.type_.removeprefix("/problems/"), client=client)
    explained = expect(HTTPStatus.OK, ProblemKind, kind)
    assert (explained.type_, explained.title, explained.status) == (problem.type_, problem.title, problem.status)
    stale_delete = delete_level.sync_detailed(new.key, client=client, if_match=first)
    expect_problem(HTTPStatus.PRECONDITION_FAILED, "/problems/precondition-failed", path, stale_delete)
    assert expect(HTTPStatus.OK, Level, read_level.sync_detailed(new.key, client=client)) == level

    expect_nothing(HTTPStatus.NO_CONTENT, delete_level.sync_detailed(new.key, client=client, if_match=second))
    gone = read_level.sync_detailed(new.key, client=client)
    expect_problem(HTTPStatus.NOT_FOUND, "/problems/not-found", path, gone)
    print("level: created, changed, refused to stale writers, deleted")
    return level


def check_import(client: AuthenticatedClient, bundle: Bundle) -> None:
    """Importing what was exported changes nothing."""
    answer = expect(HTTPStatus.OK, ImportAnswer, import_bundle.sync_detailed(client=client, body=bundle))
    areas = [area for strategy in bundle.strategies or [] for area in strategy.focus_areas or []]
    rows = {
        "municipality": 1,
        "levels": len(bundle.levels or []),
        "units": len(bundle.units or []),
        "employees": len(bundle.employees or []),
        "committees": len(bundle.committees or []),
        "memberships": len(bundle.memberships or []),
        "strategies": len(bundle.strategies or []),
        "focus_areas": len(areas),
        "objectives": sum(len(area.objectives or []) for area in areas),
        "actions": sum(len(area.actions or []) for area in areas),
        "local_actions": len(bundle.local_actions or []),
        "reports": len(bundle.reports or []),
        "indicators": len(bundle.indicators or []),
    }
    values = sum(len(series.values) for series in bundle.values or [])
    assert rows.keys() | {"values"} == answer.to_dict().keys(), "the answer counts other things than this check"
    for section, count in rows.items():
        assert count > 0, f"the bundle has no {section}"
        counts = getattr(answer, section)
        assert counts == Counts(created=0, updated=0, unchanged=count), f"{section}: {counts}"
    assert values > 0, "the bundle has no values"
    assert answer.values == ValueCounts(created=0, updated=0, unchanged=values, removed=0), answer.values
    print(f"import: {sum(rows.values())} rows and {values} values unchanged")


def check_committees(client: AuthenticatedClient, bundle: Bundle) -> None:
    """The tree holds every committee of the day once, with members, a trio, and what should be decided."""
    tree = expect(HTTPStatus.OK, CommitteeTree, read_committee_tree.sync_detailed(client=client))
    waiting, found = list(tree.committees), []
    while waiting:
        node: CommitteeNode = waiting.pop()
        found.append(node)
        waiting += node.children
    assert set(keys(found)) <= set(keys(bundle.committees)) and len(found) > 10, found

    school = "lokal-med-hasselengskolen"
    members = every(
        MemberPage, lambda at: list_members.sync_detailed(school, client=client, limit=2, cursor=at)
    )
    assert {member.committee for member in members} == {school} and all(member.name for member in members), members
    trio = expect(HTTPStatus.OK, Trio, read_trio.sync_detailed(school, client=client))
    assert trio.complete and {member.key for member in trio.safety_rep} <= {member.key for member in members}, trio
    page = expect(HTTPStatus.OK, ProposalPage, list_committee_proposals.sync_detailed(client=client))
    assert ProposalKind.HOLDER_LEFT in [proposal.kind for proposal in page.items], page
    me = expect(HTTPStatus.OK, Me, read_me.sync_detailed(client=client))
    assert me.employee is None and me.municipality == bundle.municipality.key, me
    print(f"committees: {len(found)} in the tree, {len(members)} members of one, {len(page.items)} proposals")


def check_sync(client: AuthenticatedClient) -> None:
    """The HR system can rehearse a file; what is absent stays, null clears."""
    file = HrSync(employees=[HrEmployee(key="m-1001", title=None), HrEmployee(key="m-1002")])
    rehearsed = sync_hr.sync_detailed(client=client, body=file, mode=SyncMode.DELTA, dry_run=True)
    answer = expect(HTTPStatus.OK, SyncAnswer, rehearsed)
    assert answer.dry_run and answer.units is None and answer.employees is not None, answer
    section = answer.employees
    assert section.counts == SectionCounts(created=0, updated=1, ended=0, reopened=0, unchanged=1, skipped=0), section
    assert [(row.key, row.fields) for row in section.updated] == [("m-1001", ["title"])] and section.unchanged == ["m-1002"]
    everybody_gone = sync_hr.sync_detailed(client=client, body=HrSync(employees=[]), mode=SyncMode.SNAPSHOT)
    expect_problem(HTTPStatus.CONFLICT, "/problems/sync-guard", "/v1/hr-sync", everybody_gone)
    print("sync: rehearsed, and refused to the one that would end everybody")


def check_progress(client: AuthenticatedClient) -> None:
    """A strategy's figures are the sums of its areas'; what was seen is not sent again; a report counts, once."""
    plan = "med-plan-2025-2028"
    read = read_strategy_progress.sync_detailed(plan, client=client, children=True)
    progress = expect(HTTPStatus.OK, Progress, read)
    assert isinstance(progress.children, ProgressPartPage) and progress.expected > 100, progress
    for figure in ["expected", "done", "in_progress", "not_started", "dropped", "overdue", "stale"]:
        assert getattr(progress, figure) == sum(getattr(area, figure) for area in progress.children.items), figure
    seen = read_strategy_progress.sync_detailed(plan, client=client, children=True, if_none_match=etag(read))
    expect_nothing(HTTPStatus.NOT_MODIFIED, seen)

    tree = expect(HTTPStatus.OK, Strategy, read_strategy.sync_detailed(plan, client=client))
    action = next(a for area in tree.focus_areas for a in area.actions if a.key == "ny-teknologi")
    before = expect(HTTPStatus.OK, Progress, read_action_progress.sync_detailed(action.id, client=client))
    lines = every(
        AssignmentPage,
        lambda at: list_assignments_of_action.sync_detailed(
            action.id, client=client, stage=Stage.NOT_STARTED, limit=2, cursor=at
        ),
    )
    assert len(lines) == before.not_started > 0, lines
    committee = next(line.committee for line in lines if line.report_id is None)
    assert committee is not None
    body = ReportBody(stage=Stage.DONE, committee=committee, note="Drøftet.")
    sent = [create_report.sync_detailed(action.id, client=client, body=body, idempotency_key="check-1") for _ in "12"]
    first, again = (expect(HTTPStatus.CREATED, Report, answer) for answer in sent)
    assert first == again and first.reported_by is None, (first, again)
    after = expect(HTTPStatus.OK, Progress, read_action_progress.sync_detailed(action.id, client=client))
    assert (after.expected, after.done) == (before.expected, before.done + 1), (before, after)
    answer = list_reports.sync_detailed(action.id, client=client, committee=committee)
    assert [report.id for report in expect(HTTPStatus.OK, ReportPage, answer).items] == [first.id]
    print(f"progress: {progress.label}; {after.label}")


def check_verdicts(client: AuthenticatedClient) -> None:
    """The indicators of a strategy have a verdict for each target, and its progress counts them."""
    plan = "med-plan-2025-2028"
    indicators = every(
        IndicatorPage, lambda at: list_indicators.sync_detailed(client=client, strategy=plan, limit=2, cursor=at)
    )
    found: Counter[VerdictKind] = Counter()
    kinds: set[InputKind] = set()
    for indicator in indicators:
        verdicts = expect(HTTPStatus.OK, IndicatorVerdicts, list_verdicts.sync_detailed(indicator.key, client=client))
        assert [verdict.target for verdict in verdicts.items] == list(range(len(indicator.targets))), verdicts
        for verdict, target in zip(verdicts.items, indicator.targets):
            assert verdict.rule == target.rule and verdict.reason, verdict
            assert not verdict.is_suppressed or verdict.verdict is VerdictKind.NO_DATA, verdict
            found[verdict.verdict] += 1
            kinds.update(given.kind for given in verdict.inputs)
    read = read_strategy_progress.sync_detailed(plan, client=client)
    counts = expect(HTTPStatus.OK, Progress, read).indicators
    assert isinstance(counts, VerdictCounts) and counts.to_dict() == {str(kind): found[kind] for kind in VerdictKind}
    assert {VerdictKind.MET, VerdictKind.PENDING} <= set(found), found  # On any day.
    assert {InputKind.VALUE, InputKind.TARGET, InputKind.BENCHMARK} <= kinds, kinds

    tree = expect(HTTPStatus.OK, Strategy, read_strategy.sync_detailed(plan, client=client))
    objective = next(o for area in tree.focus_areas for o in area.objectives if o.key == "lavere-korttidsfravaer")
    read_one = read_objective_progress.sync_detailed(objective.id, client=client)
    one = expect(HTTPStatus.OK, Progress, read_one).indicators
    own = [indicator for indicator in indicators if objective.path in indicator.objectives]
    assert own and isinstance(one, VerdictCounts), objective
    assert sum(one.to_dict().values()) == sum(len(indicator.targets) for indicator in own) > 0, one
    print(f"verdicts: {found.total()} of {len(indicators)} indicators: {counts.to_dict()}")


def check_values(client: AuthenticatedClient, reader: AuthenticatedClient) -> None:
    """Values come page by page, and of many indicators at once; what is hidden from readers is not from others."""
    key = "afgang-foerste-aar"
    pages = every(
        IndicatorValuesPage, lambda at: list_values.sync_detailed(key, client=client, limit=3, cursor=at), limit=3
    )
    page = expect(HTTPStatus.OK, IndicatorValuesPage, list_values.sync_detailed(key, client=client, limit=10_000))
    assert page.items == pages and page.next_ is None, "the pages hold something else"
    assert page.indicator.key == key and page.indicator.unit_of_measure == "%", page.indicator
    seen = expect(HTTPStatus.OK, IndicatorValuesPage, list_values.sync_detailed(key, client=reader, limit=10_000))
    places = [(value.period, value.unit, value.group) for value in page.items]
    assert [(value.period, value.unit, value.group) for value in seen.items] == places, seen
    hidden = [value for value in seen.items if value.is_suppressed]
    assert hidden and all((value.value, value.count, value.note) == (None, None, None) for value in hidden), hidden
    assert all(value.value is not None and not value.is_suppressed for value in page.items), page

    read = list_values_of_indicators.sync_detailed(client=client, unit="", group="", latest=True)
    newest = expect(HTTPStatus.OK, ValuesPage, read)
    assert [value.indicator for value in newest.items] == keys(newest.indicators), newest
    read = list_benchmark_values.sync_detailed(key, "sammenlignelige", client=client)
    others = expect(HTTPStatus.OK, IndicatorValuesPage, read).items
    assert others and {value.benchmark for value in others} == {"sammenlignelige"}, others
    print(f"values: {len(pages)} of one, {len(hidden)} of them hidden; the newest of {len(newest.items)} indicators")


def check_writing(client: AuthenticatedClient) -> None:
    """Values are written in JSON and as a table, replaced, and taken away, by those who may."""
    new = IndicatorBody(
        key="contract-check",
        title="Værdier på prøve",
        direction=Direction.INCREASE,
        frequency=Frequency.MONTH,
        method=Method.MANUAL,
        targets=[Target(rule=TargetRule.AT_LEAST, value=10, period="2026-12")],
    )
    created = create_indicator.sync_detailed(client=client, body=new)
    indicator = expect(HTTPStatus.CREATED, Indicator, created)
    targets = [(target.rule, target.value, target.period) for target in indicator.targets]
    assert targets == [(TargetRule.AT_LEAST, 10, "2026-12")], indicator

    def write(body: ValuesBody | File, format_: Format | Unset = UNSET) -> Response[Any]:
        return write_values.sync_detailed(new.key, client=client, body=body, format_=format_)

    rows = [ValueRow(period="2026-09", value=9.5, is_provisional=True), ValueRow(period="2026-10", value=10)]
    for created_now in (2, 0):
        counts = expect(HTTPStatus.OK, ValueCounts, write(ValuesBody(values=rows)))
        assert counts == ValueCounts(created=created_now, updated=0, unchanged=2 - created_now, removed=0), counts
    table = File(payload=io.BytesIO(b"period;value;note\n2026-09;9,75;Rettet\n2026-11;11;\n"))
    counts = expect(HTTPStatus.OK, ValueCounts, write(table, Format.CSV_EXCEL_DA))
    assert counts == ValueCounts(created=1, updated=1, unchanged=0, removed=0), counts
    gone = ValuesBody(values=[ValueRow(period="2026-11", value=None)])
    counts = expect(HTTPStatus.OK, ValueCounts, write(gone))
    assert counts == ValueCounts(created=0, updated=0, unchanged=0, removed=1), counts
    wrong = ValuesBody(values=[ValueRow(period="2026-12", value=1), ValueRow(period="2026", value=1)])
    path = f"/v1/indicators/{new.key}/values"
    refused = expect_problem(HTTPStatus.UNPROCESSABLE_ENTITY, "/problems/invalid-body", path, write(wrong))
    assert refused.errors and [fault.pointer for fault in refused.errors] == ["/values/1/period"], refused

    page = expect(HTTPStatus.OK, IndicatorValuesPage, list_values.sync_detailed(new.key, client=client))
    assert [(value.period, value.value, value.note) for value in page.items] == [
        ("2026-09", 9.75, "Rettet"),
        ("2026-10", 10, None),
    ], page
    read = list_replaced_values.sync_detailed(new.key, client=client)
    replaced = expect(HTTPStatus.OK, ReplacedValuePage, read).items
    assert [(value.period, value.value) for value in replaced] == [("2026-11", 11), ("2026-09", 9.5)], replaced
    refusal = delete_indicator.sync_detailed(new.key, client=client, if_match=etag(created))
    assert refusal.status_code == HTTPStatus.CONFLICT, refusal.content
    expect(HTTPStatus.CONFLICT, Problem, refusal)
    print(f"writing: {len(page.items)} values, {len(replaced)} replaced")


def changes(client: AuthenticatedClient, after: int, limit: int) -> list[Change]:
    """The changes after this one."""

    found: list[Change] = []
    place: int | None = after
    while place is not None:
        page = expect(HTTPStatus.OK, ChangePage, list_changes.sync_detailed(client=client, after=place, limit=limit))
        found += page.items
        place = page.next_
    sequences = [after, *(change.sequence for change in found)]
    assert sequences == sorted(set(sequences)), sequences
    return found


def connect(token: str) -> AuthenticatedClient:
    """A client that comes with this token."""
    return AuthenticatedClient(
        base_url=sys.argv[1],
        token=token,
        raise_on_unexpected_status=True,  # A status that the contract doesn't name is a failure.
        timeout=httpx.Timeout(30),
        httpx_args={"trust_env": False},  # Requests to this machine need no proxy.
    )


def main() -> None:
    client, reader = connect(os.environ["TOKEN"]), connect(os.environ["READER"])
    bundle = expect(HTTPStatus.OK, Bundle, export_bundle.sync_detailed(client=client))
    assert bundle.municipality.key == "noerrelund"
    check_lists(client, bundle)
    check_tree(client, bundle)
    check_committees(client, bundle)
    check_sync(client)

    before = changes(client, after=0, limit=200)
    # Values are written to an indicator that is there already.
    written = [change for change in before if change.entity == "indicator_values"]
    assert written and all(change.operation is Operation.UPDATED for change in written)
    assert all(change.operation is Operation.CREATED for change in before if change not in written)
    level = check_level(client)
    check_import(client, expect(HTTPStatus.OK, Bundle, export_bundle.sync_detailed(client=client, values=True)))

    # Only the level's three changes came since: nothing of what was refused, nothing of the import.
    ours = changes(client, after=before[-1].sequence, limit=2)
    assert {(change.entity, change.entity_id) for change in ours} == {("level", level.id)}, ours
    assert [change.operation for change in ours] == [Operation.CREATED, Operation.UPDATED, Operation.DELETED]
    created, updated, deleted = ours
    assert created.before is None and deleted.after is None
    for old, new in [(created.after, updated.before), (updated.after, deleted.before)]:
        assert isinstance(old, ChangeAfterType0) and isinstance(new, ChangeBeforeType0)
        assert old.additional_properties == new.additional_properties != {}
    assert isinstance(updated.after, ChangeAfterType0)
    assert updated.after["name"] == level.name and updated.after["staff_meeting_below"] is None
    print(f"changes: {len(before)} of the demo, {len(ours)} of the level")
    check_progress(client)
    check_verdicts(reader)
    check_values(client, reader)
    check_writing(client)


if __name__ == "__main__":
    main()
