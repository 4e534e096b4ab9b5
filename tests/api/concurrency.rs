//! Concurrent clients: one of two conflicting changes wins, and no accepted change is lost.

use std::sync::Barrier;

use serde_json::{Value, json};

use crate::harness::App;

crate::tests![
    one_of_two_concurrent_changes_wins,
    one_of_two_concurrent_creations_wins,
    changes_of_different_parts_are_all_kept,
    the_change_log_is_in_commit_order,
];

fn at_once<T: Send>(clients: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(clients);
    std::thread::scope(|scope| {
        let client = |n| {
            let (barrier, work) = (&barrier, &work);
            scope.spawn(move || {
                barrier.wait();
                work(n)
            })
        };
        let clients: Vec<_> = (0..clients).map(client).collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    })
}

fn one_of_two_concurrent_changes_wins(app: &App) {
    app.post("/v1/levels", json!({"key": "l", "name": "0", "rank": 1})).expect(201);
    for round in 1..=10 {
        let tag = app.get("/v1/levels/l").etag();
        let statuses = at_once(4, |n| {
            let change = app.request("PATCH", "/v1/levels/l").header("if-match", &tag);
            (change.json(&json!({"name": format!("{round}-{n}")})).send().status, format!("{round}-{n}"))
        });
        let won: Vec<&String> = statuses.iter().filter(|(status, _)| *status == 200).map(|(_, name)| name).collect();
        assert_eq!(won.len(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|(status, _)| [200, 412].contains(status)), "{statuses:?}");
        let row = app.get("/v1/levels/l").json();
        assert_eq!((&row["name"], &row["version"]), (&json!(won[0]), &json!(round + 1)));
    }
}

fn one_of_two_concurrent_creations_wins(app: &App) {
    for round in 0..5 {
        let body = json!({"key": format!("s{round}"), "title": "S", "kind": "plan", "status": "draft"});
        let mut statuses = at_once(4, |_| app.post("/v1/strategies", body.clone()).status);
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409, 409]);
    }
}

fn changes_of_different_parts_are_all_kept(app: &App) {
    let objectives: Vec<Value> =
        (0..8).map(|n| json!({"key": format!("o{n}"), "kind": "goal", "text": "gammel"})).collect();
    let areas = json!([{"key": "a", "title": "A", "objectives": objectives}]);
    let tree = json!({"key": "s", "title": "S", "kind": "plan", "status": "draft", "focus_areas": areas});
    let tree = app.post("/v1/strategies", tree).expect(201).json();
    let stored = tree["focus_areas"][0]["objectives"].as_array().unwrap();
    at_once(8, |n| {
        let id = stored[n]["id"].as_str().unwrap();
        let change = app.request("PATCH", &format!("/v1/objectives/{id}")).header("if-match", "\"1\"");
        change.json(&json!({"text": format!("ny {n}")})).send().expect(200);
    });
    let tree = app.get("/v1/strategies/s").json();
    assert_eq!(tree["version"], 9);
    for (n, objective) in tree["focus_areas"][0]["objectives"].as_array().unwrap().iter().enumerate() {
        assert_eq!(objective["text"], format!("ny {n}"));
    }
}

fn the_change_log_is_in_commit_order(app: &App) {
    app.post("/v1/levels", json!({"key": "l", "name": "begyndelse", "rank": 1})).expect(201);
    at_once(8, |n| app.patch("/v1/levels/l", json!({"name": format!("{n}")})).expect(200));
    let log = app.list("/v1/changes?limit=200");
    let updates: Vec<&Value> = log.iter().filter(|change| change["operation"] == "updated").collect();
    assert_eq!(updates.len(), 8);
    for pair in updates.windows(2) {
        assert_eq!(pair[0]["after"], pair[1]["before"], "each change begins where the one before it ended");
    }
    assert_eq!(updates[7]["after"]["name"], app.get("/v1/levels/l").json()["name"]);
}
