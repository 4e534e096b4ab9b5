//! Two hundred people report at the same time: nothing is lost or doubled, and the sums are right afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{App, HERE, Response};
use crate::load::Over;
use crate::reports::{action_ids, request, token_for};

crate::tests![everybody_reports_at_once, everybody_reports_twice_at_once];

const PEOPLE: usize = 200;
const THREADS: usize = 40;
/// Longer than any queue of writers, even on a slow machine.
const TRIES: usize = 120;

/// Runs the jobs on threads that start together. Returns the results in the order of the jobs.
pub fn at_once<T: Send>(threads: usize, jobs: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let (begin, next) = (Barrier::new(threads), AtomicUsize::new(0));
    let worker = || {
        // Nothing may panic before this barrier, or the other threads would wait for ever.
        begin.wait();
        let mut done = Vec::new();
        loop {
            let job = next.fetch_add(1, Ordering::Relaxed);
            if job >= jobs {
                return done;
            }
            done.push((job, work(job)));
        }
    };
    let mut done: Vec<(usize, T)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    done.sort_by_key(|(job, _)| *job);
    done.into_iter().map(|(_, came_to)| came_to).collect()
}

/// Sends a request, and repeats it after a 503 as `Retry-After` says. A 503 has stored nothing.
pub fn patiently(send: impl Fn() -> Response) -> Response {
    for _ in 0..TRIES {
        let answer = send();
        if answer.status != 503 {
            return answer;
        }
        let answer = answer.expect_problem(503, "unavailable");
        let seconds = answer.header("retry-after").and_then(|seconds| seconds.parse().ok());
        std::thread::sleep(Duration::from_secs(seconds.expect("a 503 says when to try again")));
    }
    panic!("the service stayed busy");
}

fn key(n: usize) -> String {
    format!("c{n:03}")
}

/// A committee and a chair for each person, in two centres, and a plan for all of them.
fn fill(app: &App) {
    let employees: Vec<Value> =
        (0..PEOPLE).map(|n| json!({"key": format!("e{n:03}"), "name": format!("Person {n}")})).collect();
    let local = (0..PEOPLE).map(|n| {
        let parent = ["east", "west"][n % 2];
        json!({"key": key(n), "name": format!("Udvalg {n}"), "level": "local", "parent": parent, "form": "committee"})
    });
    let centre = |key: &str| json!({"key": key, "name": key, "level": "centre", "form": "committee"});
    let committees: Vec<Value> = [centre("east"), centre("west")].into_iter().chain(local).collect();
    let seats: Vec<Value> = (0..PEOPLE)
        .map(|n| json!({"key": key(n), "committee": key(n), "employee": format!("e{n:03}"), "role": "chair"}))
        .collect();
    let action = |key: &str, recurrence: Option<&str>| {
        let audience = json!([{"role": "responsible", "level": "local"}]);
        json!({"key": key, "title": key, "kind": "discussion", "recurrence": recurrence, "audience": audience})
    };
    let bundle = json!({
        "municipality": {"key": HERE, "code": "999", "name": HERE},
        "levels": [{"key": "centre", "name": "Center", "rank": 1}, {"key": "local", "name": "Lokal", "rank": 2}],
        "employees": employees, "committees": committees, "memberships": seats,
        "strategies": [{
            "key": "plan", "title": "Plan", "kind": "plan", "status": "adopted",
            "starts_on": "2024-01-01", "ends_on": "2024-12-31", "focus_areas": [
                {"key": "a", "title": "A", "actions": [action("once", None), action("half", Some("P6M"))]},
            ],
        }],
    });
    app.import(&bundle).unwrap();
}

fn tokens(app: &App) -> Vec<String> {
    (0..PEOPLE).map(|n| token_for(app, &format!("e{n:03}"), "med.report")).collect()
}

fn progress(app: &App, path: &str) -> Value {
    patiently(|| app.get(path)).expect(200).json()
}

/// Counts by stage, in the order of the figures.
fn stages(block: &Value) -> [i64; 4] {
    ["done", "in_progress", "not_started", "dropped"].map(|stage| block[stage].as_i64().unwrap())
}

fn reports_in_the_log(app: &App) -> usize {
    app.list("/v1/changes?limit=200").iter().filter(|change| change["entity"] == "report").count()
}

fn everybody_reports_at_once(app: &App) {
    fill(app);
    let tokens = tokens(app);
    let action = action_ids(app).remove("plan/a/half").unwrap();
    let address = format!("/v1/actions/{action}/reports");
    let of_action = format!("/v1/actions/{action}/progress");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Meanwhile, readers see consistent sums, and `done` never goes down.
        let reader = scope.spawn(|| {
            let mut until_now = 0;
            while !is_over.load(Ordering::Relaxed) {
                let seen = progress(app, &of_action);
                assert_eq!(stages(&seen).iter().sum::<i64>(), 2 * PEOPLE as i64, "{seen}");
                let done = seen["done"].as_i64().unwrap();
                assert!(done >= until_now, "{done} after {until_now}");
                until_now = done;
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        let over = Over(&is_over);
        let made = at_once(THREADS, 2 * PEOPLE, |job| {
            let (person, occurrence) = (job / 2, ["2024-H1", "2024-H2"][job % 2]);
            let body = json!({"committee": key(person), "occurrence": occurrence, "stage": "done"});
            patiently(|| request(app, &tokens[person], &address, &body).send()).status
        });
        drop(over);
        assert!(made.iter().all(|status| *status == 201), "{made:?}");
        reader.join().unwrap();
    });
    let listed = app.list(&format!("{address}?limit=200"));
    let ids: BTreeSet<&str> = listed.iter().map(|report| report["id"].as_str().unwrap()).collect();
    let places: BTreeSet<String> =
        listed.iter().map(|report| format!("{} {}", report["committee"], report["occurrence"])).collect();
    assert_eq!((listed.len(), ids.len(), places.len()), (2 * PEOPLE, 2 * PEOPLE, 2 * PEOPLE));
    assert_eq!(reports_in_the_log(app), 2 * PEOPLE);
    let now = progress(app, &of_action);
    assert_eq!((stages(&now), now["share_done"].as_f64()), ([2 * PEOPLE as i64, 0, 0, 0], Some(1.0)));
    let whole = progress(app, "/v1/strategies/plan/progress");
    assert_eq!(stages(&whole), [2 * PEOPLE as i64, 0, PEOPLE as i64, 0], "the one-off is nobody's yet");
    for centre in ["east", "west"] {
        let below = progress(app, &format!("/v1/committees/{centre}/progress"));
        assert_eq!(stages(&below["subtree"]), [PEOPLE as i64, 0, PEOPLE as i64 / 2, 0], "{below}");
    }
    let half = format!("/v1/actions/{action}/assignments?occurrence=2024-H2&stage=done&limit=200");
    assert_eq!(app.list(&half).len(), PEOPLE);
}

fn everybody_reports_twice_at_once(app: &App) {
    fill(app);
    let tokens = tokens(app);
    let action = action_ids(app).remove("plan/a/once").unwrap();
    let address = format!("/v1/actions/{action}/reports");
    let of_action = format!("/v1/actions/{action}/progress");
    let words = ["done", "in_progress", "not_started", "dropped"];
    let mut expected: BTreeMap<String, &str> = BTreeMap::new();
    // The second round corrects the first, with a new key for each person and another stage for most.
    for (round, shift) in [(1, 0), (2, 1)] {
        let stage = |person: usize| words[(person + shift * (person % 3)) % 4];
        // Neighbouring jobs are the same request, so that two threads send it at the same time.
        let answers = at_once(THREADS, 2 * PEOPLE, |job| {
            let person = job / 2;
            let body = json!({"committee": key(person), "stage": stage(person), "note": format!("Runde {round}")});
            let idempotency_key = format!("runde-{round}");
            let send = || request(app, &tokens[person], &address, &body).header("idempotency-key", &idempotency_key);
            patiently(|| send().send())
        });
        for pair in answers.chunks(2) {
            let [one, other] = [&pair[0], &pair[1]].map(|answer| (answer.status, answer.json()));
            assert_eq!(one, other, "the same request, the same answer");
            assert_eq!(one.0, 201, "{}", one.1);
            let replayed = pair.iter().filter(|answer| answer.header("idempotency-replayed") == Some("true"));
            assert_eq!(replayed.count(), 1, "{}", one.1);
        }
        expected.extend((0..PEOPLE).map(|person| (key(person), stage(person))));
        let listed = app.list(&format!("{address}?limit=200"));
        let ids: BTreeSet<&str> = listed.iter().map(|report| report["id"].as_str().unwrap()).collect();
        assert_eq!((listed.len(), ids.len()), (round * PEOPLE, round * PEOPLE));
        assert_eq!(reports_in_the_log(app), round * PEOPLE);
        let assignments = app.list(&format!("/v1/actions/{action}/assignments?limit=200"));
        let found: BTreeMap<String, &str> = assignments
            .iter()
            .map(|row| (row["committee"].as_str().unwrap().to_owned(), row["stage"].as_str().unwrap()))
            .collect();
        assert_eq!(found, expected);
        let counted = words.map(|word| expected.values().filter(|stage| **stage == word).count() as i64);
        let now = progress(app, &of_action);
        assert_eq!((&now["expected"], stages(&now)), (&json!(PEOPLE), counted), "{now}");
    }
}
