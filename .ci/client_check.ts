// Works with the types that .ci/contract generated, against a server with the demo's municipality.
//
//     TOKEN=... node client_check.js URL
//
// `openapi-typescript` writes the contract down as types, and `openapi-fetch` holds every call against them. So most of
// what this file checks is checked by its compilation: a path, a parameter, a field or a word that the contract doesn't
// have is an error, and so is a line marked as one that is none.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./contract.js";

type Level = components["schemas"]["Level"];
type Problem = components["schemas"]["Problem"];
type Action = components["schemas"]["Action"];
type ReportBody = components["schemas"]["ReportBody"];

// What `openapi-fetch` answers: `data` where it went well, `error` where it didn't.
type Answer<Data> = { data?: Data; error?: unknown; response: Response };
type Failure = { error?: Problem; response: Response };

const [, , url] = process.argv;
const token = process.env["TOKEN"];
assert(url && token, "usage: TOKEN=... node client_check.js URL");

const patch = { "Content-Type": "application/merge-patch+json" };
// Without the second argument, what comes is also what it could be in another format: a table, or a picture.
const service = createClient<paths, "application/json" | "application/problem+json">({
    baseUrl: url,
    headers: { Authorization: `Bearer ${token}` },
});

/** The body of an answer that must have this status. */
function expect<Data>(status: number, answer: Answer<Data>): NonNullable<Data> {
    assert.equal(answer.response.status, status, JSON.stringify(answer.error));
    assert(answer.data !== undefined && answer.data !== null, "the answer is empty");
    return answer.data;
}

/** The problem that an answer must be, of this type. */
function expectProblem(status: number, type: string, answer: Failure): Problem {
    assert.equal(answer.response.status, status);
    assert.equal(answer.response.headers.get("content-type"), "application/problem+json");
    const problem = answer.error;
    assert(problem && problem.type === type && problem.status === status, JSON.stringify(problem));
    assert.equal(problem.request_id, answer.response.headers.get("x-request-id"));
    return problem;
}

function entityTag(answer: { response: Response }): string {
    const tag = answer.response.headers.get("etag");
    assert(tag, "the answer has no ETag");
    return tag;
}

/** A list is read by following `next` until there is none. */
async function* levels(): AsyncGenerator<Level> {
    let cursor: string | null = null;
    do {
        const query: { limit: number; cursor?: string } = cursor === null ? { limit: 2 } : { limit: 2, cursor };
        const page = expect(200, await service.GET("/v1/levels", { params: { query } }));
        assert(page.items.length === 2 || page.next === null, "only the last page may be shorter than the limit");
        yield* page.items;
        cursor = page.next;
    } while (cursor !== null);
}

async function checkList(): Promise<void> {
    const found: Level[] = [];
    for await (const level of levels()) {
        found.push(level);
    }
    assert(found.length > 2, "too few rows to turn a page");
    assert.equal(new Set(found.map((level) => level.key)).size, found.length);
    const whole = expect(200, await service.GET("/v1/levels", { params: { query: { limit: 100 } } }));
    assert.deepEqual(found, whole.items);
    console.log(`list: ${found.map((level) => level.name).join(", ")}`);
}

/** A plan comes whole, and its progress is not sent again to who has it; gives one of its actions. */
async function checkStrategy(): Promise<Action> {
    const plan = { path: { id: "med-plan-2025-2028" } };
    const strategy = expect(200, await service.GET("/v1/strategies/{id}", { params: plan }));
    const status: "draft" | "adopted" | "closed" = strategy.status;
    assert.equal(status, "adopted");
    const actions = strategy.focus_areas.flatMap((area) => area.actions);
    assert(strategy.focus_areas.every((area) => area.path === `${strategy.key}/${area.key}`) && actions.length > 4);

    const read = await service.GET("/v1/strategies/{id}/progress", { params: { ...plan, query: { children: true } } });
    const progress = expect(200, read);
    const parts = progress.children?.items ?? [];
    assert(progress.expected > 0 && parts.length === strategy.focus_areas.length);
    assert.equal(progress.done, parts.reduce((sum, part) => sum + part.done, 0));

    const seen = { ...plan, query: { children: true }, header: { "If-None-Match": entityTag(read) } };
    const again = await service.GET("/v1/strategies/{id}/progress", { params: seen });
    assert.equal(again.response.status, 304);
    assert(again.data === undefined && !again.error, "a 304 has no body");
    console.log(`strategy: ${strategy.title}; ${progress.label}`);

    const action = actions.find((one) => one.key === "ny-teknologi");
    assert(action);
    return action;
}

async function checkLevel(): Promise<void> {
    const body = { key: "typed-check", name: "Udvalg på prøve", rank: 7 };
    const created = await service.POST("/v1/levels", { body });
    const level = expect(201, created);
    assert.equal(created.response.headers.get("location"), `/v1/levels/${body.key}`);
    assert.deepEqual([level.name, level.rank, level.staff_meeting_below], [body.name, body.rank, null]);
    expectProblem(409, "/problems/already-exists", await service.POST("/v1/levels", { body }));

    const wrong = await service.POST("/v1/levels", { body: { ...body, key: "typed-check-2", rank: 0 } });
    const refused = expectProblem(422, "/problems/invalid-body", wrong);
    assert.deepEqual(refused.errors?.map((fault) => fault.pointer), ["/rank"]);

    const path = { id: body.key };
    const first = { "If-Match": entityTag(created) };
    const change = { body: { name: "Udvalg til prøve" }, headers: patch };
    const changed = await service.PATCH("/v1/levels/{id}", { params: { path, header: first }, ...change });
    assert.deepEqual([expect(200, changed).name, expect(200, changed).rank], ["Udvalg til prøve", 7]);
    const stale = await service.PATCH("/v1/levels/{id}", { params: { path, header: first }, ...change });
    expectProblem(412, "/problems/precondition-failed", stale);

    const header = { "If-Match": entityTag(changed) };
    const deleted = await service.DELETE("/v1/levels/{id}", { params: { path, header } });
    assert(deleted.response.status === 204 && deleted.data === undefined);
    expectProblem(404, "/problems/not-found", await service.GET("/v1/levels/{id}", { params: { path } }));
    console.log("level: created, changed, refused to stale writers, deleted");
}

/** A report counts once, however often it is sent. */
async function checkReport(action: Action): Promise<void> {
    const path = { id: action.id };
    const waiting = { path, query: { stage: "not_started", limit: 1 } } as const;
    const line = expect(200, await service.GET("/v1/actions/{id}/assignments", { params: waiting })).items[0];
    assert(line?.committee, "no committee has still to report");
    const body: ReportBody = { stage: "in_progress", judgement: "on_track", committee: line.committee };
    const send = () =>
        service.POST("/v1/actions/{id}/reports", { params: { path, header: { "Idempotency-Key": "typed-1" } }, body });
    const [first, again] = [await send(), await send()];
    assert.deepEqual(expect(201, first), expect(201, again));
    assert.equal(first.response.headers.get("idempotency-replayed"), null);
    assert.equal(again.response.headers.get("idempotency-replayed"), "true");
    const params = { path, query: { committee: line.committee } };
    const reports = expect(200, await service.GET("/v1/actions/{id}/reports", { params }));
    assert.deepEqual(reports.items.map((report) => report.id), [expect(201, first).id]);
    console.log(`report: ${line.committee} is ${expect(201, first).stage} with ${action.key}, stored once`);
}

/** What the types refuse, and the service too. */
async function checkRefusals(): Promise<void> {
    const [level] = expect(200, await service.GET("/v1/levels", {})).items;
    assert(level);
    const path = { id: level.id };
    // @ts-expect-error The contract has no such parameter.
    const unknown = await service.GET("/v1/levels", { params: { query: { colour: "red" } } });
    expectProblem(400, "/problems/invalid-query", unknown);
    // @ts-expect-error Without `If-Match` nothing is deleted.
    const blind = await service.DELETE("/v1/levels/{id}", { params: { path } });
    expectProblem(428, "/problems/precondition-required", blind);
    // @ts-expect-error A level has a rank.
    const half = await service.POST("/v1/levels", { body: { key: "typed-check", name: "Udvalg" } });
    expectProblem(422, "/problems/invalid-body", half);
    // @ts-expect-error There is no such stage.
    const words = await service.GET("/v1/actions", { params: { query: { stage: "asleep" } } });
    expectProblem(400, "/problems/invalid-query", words);
    // @ts-expect-error There is no such address.
    const nowhere: Failure = await service.GET("/v1/colours", {});
    expectProblem(404, "/problems/not-found", nowhere);
    console.log("refusals: as the types have them");
}

await checkList();
const action = await checkStrategy();
await checkLevel();
await checkReport(action);
await checkRefusals();
