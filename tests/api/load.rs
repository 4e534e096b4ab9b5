//! Clients that read and write while a test disturbs the service, and checks of what they were answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{App, HERE, LONGEST, wait_until};

const CLIENTS: usize = 6;

/// A request and its answer.
#[derive(Debug, Clone)]
pub struct Sent {
    pub client: usize,
    /// The unique key of what it stores. None for a request that only reads.
    pub stores: Option<String>,
    /// None if the connection broke.
    pub status: Option<u16>,
}

impl Sent {
    pub fn is_acknowledged(&self) -> bool {
        self.stores.is_some() && matches!(self.status, Some(200 | 201))
    }
}

/// The running clients, for the code that disturbs them.
pub struct Load<'a> {
    app: &'a App<'a>,
    bases: &'a [&'a str],
    reports: String,
    sent: Mutex<Vec<Sent>>,
    is_over: AtomicBool,
}

/// Sets the flag when it is dropped, also if the test fails. Otherwise loops that wait for it would never end.
pub struct Over<'o>(pub &'o AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A bundle with what the clients need: a committee, and an action for it to report on.
pub fn municipality() -> Value {
    let audience = json!([{"role": "responsible", "level": "l"}]);
    let action = json!({"key": "x", "title": "X", "kind": "discussion", "audience": audience});
    json!({
        "municipality": {"key": HERE, "code": "999", "name": HERE},
        "levels": [{"key": "l", "name": "L", "rank": 1}],
        "committees": [{"key": "c", "name": "C", "level": "l", "form": "committee"}],
        "strategies": [{
            "key": "s", "title": "S", "kind": "plan", "status": "adopted", "starts_on": "2024-01-01",
            "ends_on": "2030-12-31", "focus_areas": [{"key": "a", "title": "A", "actions": [action]}],
        }],
    })
}

/// Runs clients against the servers at `bases` while `disturb` runs, and returns all requests with their answers.
/// The servers' database must hold [`municipality`].
pub fn under_load(app: &App, bases: &[&str], disturb: impl FnOnce(&Load)) -> Vec<Sent> {
    let reports = reports(app, bases[0]);
    let load = &Load { app, bases, reports, sent: Mutex::default(), is_over: AtomicBool::new(false) };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|client| scope.spawn(move || load.work(client))).collect();
        let over = Over(&load.is_over);
        disturb(load);
        drop(over);
        clients.into_iter().for_each(|client| client.join().unwrap());
    });
    std::mem::take(&mut *load.sent.lock().unwrap())
}

/// The path of the only action's reports.
fn reports(app: &App, base: &str) -> String {
    let actions = app.list_of(base, "/v1/actions");
    format!("/v1/actions/{}/reports", actions[0]["id"].as_str().unwrap())
}

impl Load<'_> {
    fn work(&self, client: usize) {
        let base = self.bases[client % self.bases.len()];
        for n in 0.. {
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            let key = format!("{client}-{n:05}");
            let (stores, request) = match n % 4 {
                0 | 1 => {
                    let request = self.app.request_to(base, "PUT", &format!("/v1/units/{key}"));
                    (Some(key.clone()), request.json(&json!({"key": key, "name": key, "kind": "other"})))
                }
                2 => {
                    let body = json!({"committee": "c", "stage": "in_progress", "note": key});
                    (Some(key.clone()), self.app.request_to(base, "POST", &self.reports).json(&body))
                }
                _ if client == 0 => (None, self.app.request_to(base, "GET", "/readyz")),
                _ => (None, self.app.request_to(base, "GET", "/v1/units?limit=5")),
            };
            let begun = Instant::now();
            let answer = request.try_send();
            let status = answer.as_ref().ok().map(|answer| answer.status);
            assert!(begun.elapsed() < LONGEST, "{status:?} after {:?}", begun.elapsed());
            match answer {
                Ok(answer) if answer.status == 503 => {
                    let answer = answer.expect_problem(503, "unavailable");
                    assert!(answer.header("retry-after").is_some_and(|wait| wait.parse::<u32>().is_ok()), "{answer:?}");
                }
                Ok(answer) => {
                    let expected = if stores.is_some() { [201, 201] } else { [200, 204] };
                    assert!(
                        expected.contains(&answer.status),
                        "{} {}",
                        answer.status,
                        String::from_utf8_lossy(&answer.body)
                    );
                }
                // A client that can't connect tries again after a pause.
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
            self.sent.lock().unwrap().push(Sent { client, stores, status });
        }
    }

    /// Number of requests answered so far.
    pub fn mark(&self) -> usize {
        self.sent.lock().unwrap().len()
    }

    /// Waits until every client of the server at `base` has received such an answer to a request sent after `mark`.
    #[track_caller]
    pub fn wait_until_all(&self, base: &str, mark: usize, what: &str, is_such: impl Fn(&Sent) -> bool) {
        let mine = |client: &usize| self.bases[client % self.bases.len()] == base;
        let begun = Instant::now();
        loop {
            let seen: BTreeSet<usize> =
                self.sent.lock().unwrap()[mark..].iter().filter(|sent| is_such(sent)).map(|sent| sent.client).collect();
            if (0..CLIENTS).filter(mine).all(|client| seen.contains(&client)) {
                return;
            }
            assert!(begun.elapsed() < LONGEST, "not everybody {what}: {seen:?}");
            assert!(!self.is_over.load(Ordering::Relaxed));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until this many writes were acknowledged after `mark`, by any client: enough to notice if some are lost.
    #[track_caller]
    pub fn wait_until_acknowledged(&self, mark: usize, count: usize) {
        wait_until(&format!("{count} writes are acknowledged"), || {
            self.sent.lock().unwrap()[mark..].iter().filter(|sent| sent.is_acknowledged()).count() >= count
        });
    }
}

/// Requires of the server at `base` that every acknowledged write is stored, nothing is stored twice or without having
/// been sent, and the change log holds each client's writes in the order in which it sent them.
pub fn check_that_nothing_is_lost(app: &App, base: &str, sent: &[Sent]) {
    let reports = format!("{}?limit=200", reports(app, base));
    let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
    let units = app.list_of(base, "/v1/units?limit=200").iter().map(|row| text(row, "key")).collect::<Vec<_>>();
    let notes = app.list_of(base, &reports).iter().map(|row| text(row, "note")).collect::<Vec<_>>();
    let stored: BTreeSet<String> = units.iter().chain(&notes).cloned().collect();
    assert_eq!(stored.len(), units.len() + notes.len(), "something is there twice");

    let acknowledged: BTreeSet<String> =
        sent.iter().filter(|sent| sent.is_acknowledged()).flat_map(|sent| sent.stores.clone()).collect();
    let all: BTreeSet<String> = sent.iter().flat_map(|sent| sent.stores.clone()).collect();
    let lost: Vec<&String> = acknowledged.difference(&stored).collect();
    assert!(lost.is_empty(), "of {} acknowledged {} are lost: {lost:?}", acknowledged.len(), lost.len());
    let unknown: Vec<&String> = stored.difference(&all).collect();
    assert!(unknown.is_empty(), "nobody sent {unknown:?}");
    assert!(acknowledged.len() > 20, "{} were acknowledged, which is little to go by", acknowledged.len());

    let log = app.list_of(base, "/v1/changes?limit=200");
    assert!(log.is_sorted_by(|one, next| one["sequence"].as_i64() < next["sequence"].as_i64()));
    let logged = log.iter().filter_map(|change| match change["entity"].as_str().unwrap() {
        "unit" => Some(text(&change["after"], "key")),
        "report" => Some(text(&change["after"], "note")),
        _ => None,
    });
    let logged: Vec<String> = logged.collect();
    assert_eq!(logged.len(), stored.len(), "each has one line in the log");
    assert_eq!(logged.iter().cloned().collect::<BTreeSet<_>>(), stored);
    let mut last: BTreeMap<&str, &String> = BTreeMap::new();
    for key in &logged {
        let client = key.split('-').next().unwrap();
        let before = last.insert(client, key);
        assert!(before.is_none_or(|before| before < key), "{key} after {before:?}");
    }
}
