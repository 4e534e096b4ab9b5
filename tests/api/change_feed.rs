//! A client that follows the change log sees every change once, in commit order, whatever the writers do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{App, HERE, Response};
use crate::program::{program, serve};
use crate::reporting_at_once::patiently;

crate::tests![followers_of_two_servers_miss_nothing];

/// How long the writers run.
const WRITING: Duration = Duration::from_secs(4);

fn organisation() -> Value {
    json!({
        "municipality": {"key": HERE, "code": "999", "name": HERE},
        "levels": [{"key": "l", "name": "L", "rank": 1}],
        "committees": [{"key": "c", "name": "C", "level": "l", "form": "committee"}],
    })
}

/// One writer. It uses both servers in turn.
struct Client<'a> {
    app: &'a App<'a>,
    bases: &'a [&'a str; 2],
    turn: AtomicUsize,
}

impl Client<'_> {
    /// Sends the request again after a 503: two servers that share one SQLite file wait for it in no order.
    fn send(&self, method: &str, path: &str, body: Option<Value>) -> Response {
        patiently(|| self.try_send(method, path, body.as_ref()))
    }

    fn try_send(&self, method: &str, path: &str, body: Option<&Value>) -> Response {
        let base = self.bases[self.turn.fetch_add(1, Ordering::Relaxed) % 2];
        let request = self.app.request_to(base, method, path);
        let request = if ["PATCH", "DELETE"].contains(&method) || path.ends_with("/anonymise") {
            request.header("if-match", "*")
        } else {
            request
        };
        match body {
            Some(body) => request.json(body).send(),
            None => request.send(),
        }
    }
}

/// Creates, changes and deletes a row.
fn create_change_delete(client: &Client, path: &str, body: Value) {
    let address = format!("{path}/{}", body["key"].as_str().unwrap());
    client.send("PUT", &address, Some(body)).expect(201);
    client.send("PATCH", &address, Some(json!({"name": "Et andet navn"}))).expect(200);
    client.send("DELETE", &address, None).expect(204);
}

fn levels(client: &Client, key: &str) {
    create_change_delete(client, "/v1/levels", json!({"key": key, "name": "Niveau", "rank": 9}));
}

fn units(client: &Client, key: &str) {
    create_change_delete(client, "/v1/units", json!({"key": key, "name": "Enhed", "kind": "other"}));
}

fn seats(client: &Client, key: &str) {
    client.send("PUT", &format!("/v1/employees/{key}"), Some(json!({"key": key, "name": "Ane Holm"}))).expect(201);
    let seat = json!({"key": key, "committee": "c", "employee": key, "role": "member"});
    client.send("PUT", &format!("/v1/memberships/{key}"), Some(seat)).expect(201);
    client.send("PATCH", &format!("/v1/memberships/{key}"), Some(json!({"ends_on": "2030-01-31"}))).expect(200);
    client.send("DELETE", &format!("/v1/memberships/{key}"), None).expect(204);
    // Deleting an employee redacts their rows in the log.
    client.send("DELETE", &format!("/v1/employees/{key}"), None).expect(204);
}

fn syncs(client: &Client, key: &str) {
    let file = |ends_on: Value| {
        let row = |n: usize| json!({"key": format!("{key}-{n}"), "name": "Nat Dahl", "ends_on": ends_on});
        json!({"employees": (0..20).map(row).collect::<Value>()})
    };
    // A dry run takes sequence numbers and rolls them back.
    client.send("POST", "/v1/hr-sync?dry_run=true", Some(file(json!(null)))).expect(200);
    client.send("POST", "/v1/hr-sync", Some(file(json!(null)))).expect(200);
    client.send("POST", "/v1/hr-sync?max_ended=20", Some(file(json!("2025-01-31")))).expect(200);
}

fn redactions(client: &Client, key: &str) {
    let left = json!({"key": key, "name": "Bo Lund", "email": "bo@testby.example", "ends_on": "2025-01-31"});
    client.send("PUT", &format!("/v1/employees/{key}"), Some(left)).expect(201);
    client.send("PATCH", &format!("/v1/employees/{key}"), Some(json!({"title": "Lærer"}))).expect(200);
    client.send("POST", &format!("/v1/employees/{key}/anonymise"), None).expect(200);
}

/// Writes that fail after they have taken sequence numbers.
fn failures(client: &Client, key: &str) {
    let unit = |key: String, parent: Value| json!({"key": key, "name": "U", "kind": "other", "parent": parent});
    let mut rows: Vec<Value> = (0..30).map(|n| unit(format!("{key}-{n}"), json!(null))).collect();
    rows.push(unit(format!("{key}-x"), json!("nowhere")));
    let head = json!({"key": HERE, "code": "999", "name": HERE});
    client.send("POST", "/v1/import", Some(json!({"municipality": head, "units": rows}))).expect(422);
    client.send("PUT", &format!("/v1/units/{key}"), Some(unit(key.to_owned(), json!("nowhere")))).expect(422);
    client.send("DELETE", "/v1/levels/l", None).expect(409);
    client.send("PATCH", "/v1/units/nowhere", Some(json!({"name": "X"}))).expect(404);
}

/// Follows the log until all writers have stopped and its end is reached.
fn follow(app: &App, base: &str, token: &str, limit: usize, is_over: &AtomicBool) -> Vec<Value> {
    let (mut seen, mut after) = (Vec::new(), 0);
    loop {
        // Read before the log, so that everything written until then is in it.
        let is_last = is_over.load(Ordering::Relaxed);
        let path = format!("/v1/changes?after={after}&limit={limit}");
        // Recording an access to personal data is a write too.
        let page = patiently(|| app.request_to(base, "GET", &path).token(token).send()).expect(200).json();
        let items = page["items"].as_array().unwrap();
        seen.extend(items.iter().cloned());
        after = items.last().map_or(after, |last| last["sequence"].as_i64().unwrap());
        if is_last && items.is_empty() {
            return seen;
        }
    }
}

/// A kind of writes, repeated for a while under keys with a prefix of its own.
type Writer = fn(&Client, &str);

fn followers_of_two_servers_miss_nothing(app: &App) {
    app.import(&organisation()).unwrap();
    let served = serve(&mut program(app));
    let bases = [app.base.as_str(), served.base.as_str()];
    let writers: [(&str, Writer); 7] = [
        ("level", levels),
        ("unit", units),
        ("more", units),
        ("seat", seats),
        ("sync", syncs),
        ("gone", redactions),
        ("fail", failures),
    ];
    let (without_people, with_people) = (app.token("med.audit"), app.token("med.audit med.hr"));
    let is_over = AtomicBool::new(false);
    let begun = Instant::now();
    let (rounds, followed) = std::thread::scope(|scope| {
        let writer = |(name, write): (&'static str, fn(&Client, &str))| {
            scope.spawn(move || {
                let client = Client { app, bases: &bases, turn: AtomicUsize::new(0) };
                let mut round = 0;
                while round < 2 || begun.elapsed() < WRITING {
                    write(&client, &format!("{name}-{round}"));
                    round += 1;
                }
                (name, round)
            })
        };
        let follower = |(base, token, limit)| {
            let is_over = &is_over;
            scope.spawn(move || follow(app, base, token, limit, is_over))
        };
        let followers = [
            (bases[0], without_people.as_str(), 200),
            (bases[1], without_people.as_str(), 200),
            (bases[0], without_people.as_str(), 7),
            (bases[1], with_people.as_str(), 50),
        ]
        .map(follower);
        let writers = writers.map(writer);
        // A writer that fails must not leave the followers running for ever.
        let rounds = writers.map(|writer| writer.join());
        is_over.store(true, Ordering::Relaxed);
        let followed = followers.map(|follower| follower.join().unwrap());
        (BTreeMap::from(rounds.map(|round| round.unwrap())), followed)
    });

    let whole = |base: &str| {
        let mut rows: Vec<Value> = Vec::new();
        loop {
            let after = rows.last().map_or(0, |row| row["sequence"].as_i64().unwrap());
            let request = app.request_to(base, "GET", &format!("/v1/changes?after={after}&limit=200"));
            let page = request.token(&without_people).send().expect(200).json();
            rows.extend(page["items"].as_array().unwrap().iter().cloned());
            if page["next"].is_null() {
                return rows;
            }
        }
    };
    let log = whole(bases[0]);
    assert_eq!(log, whole(bases[1]));
    check_log(&log, &rounds);
    for (n, seen) in followed.iter().enumerate() {
        let sequences = |rows: &[Value]| rows.iter().map(|row| row["sequence"].as_i64().unwrap()).collect::<Vec<_>>();
        let (seen_places, places) = (sequences(seen), sequences(&log));
        let missed: BTreeSet<_> = places.iter().filter(|place| !seen_places.contains(place)).collect();
        assert!(missed.is_empty(), "follower {n} has missed {missed:?} of {}", places.len());
        assert_eq!(seen_places, places, "follower {n}");
        for (seen, row) in seen.iter().zip(&log) {
            assert!(agrees(seen, row), "follower {n} has seen {seen}, which is {row}");
        }
    }
    assert!(followed[3].iter().any(|row| row["after"]["name"] == "Nat Dahl"), "one of them sees people");
}

/// Whether a change as it was seen agrees with the stored row. Personal fields may have been redacted since.
fn agrees(seen: &Value, row: &Value) -> bool {
    match (seen, row) {
        (Value::Object(seen), Value::Object(row)) => {
            seen.len() == row.len()
                && seen.iter().all(|(name, value)| row.get(name).is_some_and(|row| agrees(value, row)))
        }
        (Value::Object(_), Value::Null) | (Value::Null, Value::Object(_)) => false,
        (seen, row) => row.is_null() || seen == row,
    }
}

/// Requires that the log holds every successful write, each row's life from creation to deletion, and no failed write.
fn check_log(log: &[Value], rounds: &BTreeMap<&str, usize>) {
    let mut expected: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut add = |entity, operations: &[&'static str], count: usize| {
        operations.iter().for_each(|operation| *expected.entry((entity, operation)).or_default() += count);
    };
    // Created by the import.
    add("level", &["created"], 1);
    add("committee", &["created"], 1);
    add("level", &["created", "updated", "deleted"], rounds["level"]);
    add("unit", &["created", "updated", "deleted"], rounds["unit"] + rounds["more"]);
    add("membership", &["created", "ended", "deleted"], rounds["seat"]);
    add("employee", &["created", "deleted"], rounds["seat"]);
    add("employee", &["created", "ended"], 20 * rounds["sync"]);
    add("employee", &["created", "updated", "redacted"], rounds["gone"]);
    let mut found: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for row in log {
        *found.entry((row["entity"].as_str().unwrap(), row["operation"].as_str().unwrap())).or_default() += 1;
    }
    found.retain(|(entity, _), _| *entity != "municipality");
    assert_eq!(found, expected, "{rounds:?}");
    assert!(log.is_sorted_by(|one, next| one["sequence"].as_i64() < next["sequence"].as_i64()));

    let mut last: BTreeMap<&str, &Value> = BTreeMap::new();
    for row in log.iter().filter(|row| row["operation"] != "redacted") {
        let id = row["entity_id"].as_str().unwrap();
        let before = last.insert(id, &row["after"]).unwrap_or(&Value::Null);
        assert_eq!(before, &row["before"], "it goes on where the row's last change has ended");
    }
}
