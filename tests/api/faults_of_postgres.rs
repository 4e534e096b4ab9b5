//! PostgreSQL stops and starts again, and connections break. SQLite has no connections that could break.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use medstrategi::db::Engine;
use serde_json::{Value, json};

use crate::engines::{Cluster, not_tested};
use crate::harness::{App, Response};
use crate::load::{check_that_nothing_is_lost, municipality, under_load};
use crate::program::{errors, program_over, run, serve};
use crate::reporting_at_once::patiently;

crate::tests![
    the_service_recovers_when_the_database_returns,
    a_connection_that_breaks_within_a_write_stores_nothing,
    broken_idle_connections_are_replaced,
];

fn the_service_recovers_when_the_database_returns(app: &App) {
    if app.engine == Engine::Sqlite {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let Some(cluster) = Cluster::create(folder.path(), "") else {
        return not_tested("a PostgreSQL that is stopped: its binaries are not installed");
    };
    let url = format!("{}/postgres", cluster.base());
    let bundle = app.folder.path().join("municipality.json");
    std::fs::write(&bundle, municipality().to_string()).unwrap();
    let imported = run(program_over(app, &url).arg("import").arg(&bundle));
    assert!(imported.status.success(), "{}", errors(&imported));
    let mut served = serve(&mut program_over(app, &url));
    let base = served.base.clone();

    let sent = under_load(app, &[&base], |load| {
        let answered = |status: u16| move |sent: &crate::load::Sent| sent.status == Some(status);
        load.wait_until_all(&base, 0, "writes", answered(201));
        load.wait_until_acknowledged(0, 40);
        // An orderly shutdown first, then a crash, after which the server recovers before it accepts connections.
        for mode in ["fast", "immediate"] {
            cluster.stop(mode);
            let mark = load.mark();
            load.wait_until_all(&base, mark, "is refused", answered(503));
            let ready = app.request_to(&base, "GET", "/readyz").send().expect_problem(503, "unavailable");
            assert!(ready.header("retry-after").is_some());
            app.request_to(&base, "GET", "/livez").send().expect(204);
            cluster.start();
            let mark = load.mark();
            load.wait_until_all(&base, mark, "is served again", answered(201));
        }
    });
    assert!(served.child.try_wait().unwrap().is_none(), "the service runs on");
    app.request_to(&base, "GET", "/readyz").send().expect(204);
    assert!(sent.iter().all(|sent| sent.status.is_some()), "an answer for everybody");
    check_that_nothing_is_lost(app, &base, &sent);
}

const ROWS: usize = 2_000;

fn file(night: usize) -> Value {
    let row = |n: usize| json!({"key": format!("n{night}-{n:05}"), "name": "Nat Dahl"});
    json!({"employees": (0..ROWS).map(row).collect::<Value>()})
}

fn administrator(app: &App) -> PgConnection {
    PgConnection::establish(&app.url).unwrap()
}

/// Terminates the connection whose current, or last, statement in its transaction matches this pattern.
fn end_connection(administrator: &mut PgConnection, statement: &str) -> bool {
    #[derive(QueryableByName)]
    struct Ended {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let ended: Ended = diesel::sql_query(
        "SELECT count(pg_terminate_backend(pid)) AS count FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL AND query LIKE $1",
    )
    .bind::<Text, _>(statement)
    .get_result(administrator)
    .unwrap();
    ended.count > 0
}

fn a_connection_that_breaks_within_a_write_stores_nothing(app: &App) {
    if app.engine == Engine::Sqlite {
        return;
    }
    let mut administrator = administrator(app);
    let mut night = 0;
    let sync = |file: &Value| app.post("/v1/hr-sync", file.clone());
    let import = |file: &Value| {
        let head = json!({"key": crate::harness::HERE, "code": "999", "name": crate::harness::HERE});
        app.post("/v1/import", json!({"municipality": head, "employees": file["employees"]}))
    };
    type Way<'a> = &'a (dyn Fn(&Value) -> Response + Sync);
    let ways: [(&str, Way<'_>); 2] = [("sync", &sync), ("import", &import)];
    for (name, send) in ways {
        for statement in ["INSERT INTO \"employees\"%", "INSERT INTO \"changes\"%"] {
            let mut is_broken = false;
            for _ in 0..10 {
                night += 1;
                let (file, before) = (file(night), app.changes());
                let (answer, ended) = std::thread::scope(|scope| {
                    let running = scope.spawn(|| send(&file));
                    let mut ended = false;
                    while !ended && !running.is_finished() {
                        ended = end_connection(&mut administrator, statement);
                        std::thread::sleep(Duration::from_millis(1));
                    }
                    (running.join().unwrap(), ended)
                });
                if answer.status == 200 {
                    // It was committed before the connection was terminated.
                    continue;
                }
                assert!(ended, "{name}: {answer:?}");
                let answer = answer.expect_problem(503, "unavailable");
                assert_eq!(answer.header("retry-after"), Some("1"));
                assert_eq!(app.changes(), before, "{name}: nothing was stored");
                app.get(&format!("/v1/employees/n{night}-00000")).expect(404);
                send(&file).expect(200);
                app.get(&format!("/v1/employees/n{night}-00000")).expect(200);
                is_broken = true;
                break;
            }
            assert!(is_broken, "{name}: no connection was ended in time at {statement}");
        }
    }
}

fn broken_idle_connections_are_replaced(app: &App) {
    if app.engine == Engine::Sqlite {
        return;
    }
    app.get("/v1/levels").expect(200);
    diesel::sql_query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .execute(&mut administrator(app))
    .unwrap();
    // If connecting takes long, a request may get a 503. With broken connections, every request would.
    patiently(|| app.post("/v1/levels", json!({"key": "l", "name": "L", "rank": 1}))).expect(201);
    patiently(|| app.get("/v1/levels/l")).expect(200);
    patiently(|| app.get("/readyz")).expect(204);
}
