//! Operations: backup, `check`, health checks, and removal of outdated rows.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use medstrategi::action::assignment::store::projection::AssignmentProjection;
use medstrategi::api;
use medstrategi::check;
use medstrategi::db::retention::Forgotten;
use medstrategi::db::{AnyConnection, Database, Engine, Location, Options, Retention, block_on, integrity};
use serde_json::{Value, json};

use crate::harness::{App, LONGEST, open, sql, try_sql, wait_until};
use crate::load::Over;
use crate::program::{
    Served, demo, errors, fresh, out, program, program_over, run, serve_demo, signal, token_for_demo, wait,
};

crate::tests![
    a_backup_under_load_holds_all_acknowledged_writes,
    a_backup_never_overwrites_a_file,
    a_backup_that_fails_leaves_nothing,
    postgres_is_backed_up_by_its_own_program,
    a_consistent_database_has_no_findings,
    each_inconsistency_is_reported,
    changed_tables_are_reported,
    checking_changes_nothing_and_takes_no_locks,
    values_are_checked_in_batches,
    the_command_prints_its_findings,
    a_damaged_file_is_reported,
    the_health_check_asks_the_service,
    outdated_rows_are_removed,
    the_service_removes_outdated_rows,
];

fn path_of(url: &str) -> PathBuf {
    url.strip_prefix("sqlite:").unwrap().into()
}

/// Names of the files in `folder` that are not in `known`.
fn others(folder: &Path, known: &[&str]) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut others: Vec<String> = names.filter(|name| !known.contains(&name.as_str())).collect();
    others.sort();
    others
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(LONGEST)).build().into()
}

/// Creates levels one after the other until `stop` is set, and collects the keys of those that were acknowledged.
fn write_levels(served: &Served, token: &str, writer: usize, stop: &AtomicBool, taken: &std::sync::Mutex<Vec<String>>) {
    let agent = agent();
    let mut n = 0;
    while !stop.load(Ordering::Relaxed) {
        n += 1;
        let key = format!("trin-{writer}-{n}");
        let body = json!({"key": key, "name": key, "rank": 9}).to_string();
        let request = agent.post(format!("{}/v1/levels", served.base)).content_type("application/json");
        let answer = request.header("authorization", format!("Bearer {token}")).send(&body).unwrap();
        match answer.status().as_u16() {
            201 => taken.lock().unwrap().push(key),
            // A writer that waited too long for the others has stored nothing.
            status => assert_eq!(status, 503),
        }
    }
}

fn level_keys(served: &Served, token: &str) -> Vec<String> {
    let agent = agent();
    let mut keys = Vec::new();
    let mut cursor = String::new();
    loop {
        let request = agent.get(format!("{}/v1/levels?limit=200{cursor}", served.base));
        let page: Value =
            request.header("authorization", format!("Bearer {token}")).call().unwrap().body_mut().read_json().unwrap();
        keys.extend(page["items"].as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return keys,
        }
    }
}

fn a_backup_under_load_holds_all_acknowledged_writes(app: &App) {
    if app.engine == Engine::Postgres {
        return;
    }
    let url = fresh(app);
    // The writers must not be stopped by rate limits.
    let as_often_as_wanted = [("MEDSTRATEGI_SUBJECT_RATE", "0"), ("MEDSTRATEGI_ADDRESS_RATE", "0")];
    let mut served = serve_demo(program_over(app, &url).envs(as_often_as_wanted));
    let token = token_for_demo(app, "med.edit med.read");
    let (stop, taken) = (AtomicBool::new(false), std::sync::Mutex::new(Vec::new()));
    const WRITERS: usize = 3;
    let count = || taken.lock().unwrap().len();
    let copy = app.folder.path().join("copy.db");
    let acknowledged = std::thread::scope(|scope| {
        let over = Over(&stop);
        for writer in 0..WRITERS {
            let (served, token, stop, taken) = (&served, &token, &stop, &taken);
            scope.spawn(move || write_levels(served, token, writer, stop, taken));
        }
        wait_until("there are 60 levels", || count() >= 60);
        let copy_it = || {
            let acknowledged = taken.lock().unwrap().clone();
            let output = run(program_over(app, &url).arg("backup").arg(&copy));
            assert!(output.status.success(), "{}", errors(&output));
            let line = out(&output);
            assert!(line.contains("copy.db: ") && line.contains(" MB in ") && line.lines().count() == 1, "{line}");
            acknowledged
        };
        let mut acknowledged = copy_it();
        // A slow machine may stop the writers for one whole copy, but not every time.
        for _ in 0..10 {
            if count() > acknowledged.len() {
                break;
            }
            std::fs::remove_file(&copy).unwrap();
            acknowledged = copy_it();
        }
        let while_copied = count();
        assert!(while_copied > acknowledged.len(), "nobody could write while the copy was made");
        // More than the requests in flight, whose rows the copy may hold.
        wait_until("somebody writes after the copy was made", || count() > while_copied + WRITERS);
        drop(over);
        acknowledged
    });
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&copy).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let at_the_end = count();

    // The copy is intact, and can be served from where it is.
    let copied = format!("sqlite:{}", copy.display());
    let output = run(program_over(app, &copied).arg("check"));
    assert!(output.status.success(), "{}", out(&output));
    let secret = app.folder.path().join("bare.secret");
    let from_copy = serve_demo(program_over(app, &copied).env("MEDSTRATEGI_SECRET_FILE", &secret));
    let keys = level_keys(&from_copy, &token);
    assert!(acknowledged.iter().all(|key| keys.contains(key)), "what was answered before the copy began is in it");
    assert!(keys.len() - 3 < at_the_end, "it is a state of the time of the copy");
    drop(from_copy);

    // Restore: stop, replace the database file, remove the old one's WAL files, start.
    signal(&served.child, "-TERM");
    assert!(wait(&mut served.child).success());
    for left in ["copy.db-wal", "copy.db-shm"] {
        let _ = std::fs::remove_file(app.folder.path().join(left));
    }
    std::fs::copy(&copy, path_of(&url)).unwrap();
    for left in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{left}", path_of(&url).display()));
    }
    let restored = serve_demo(&mut program_over(app, &url));
    assert_eq!(level_keys(&restored, &token).len(), keys.len());
}

fn a_backup_never_overwrites_a_file(app: &App) {
    if app.engine == Engine::Postgres {
        return;
    }
    let taken = app.folder.path().join("taken");
    std::fs::write(&taken, "precious").unwrap();
    let output = run(program(app).arg("backup").arg(&taken));
    assert!(!output.status.success() && errors(&output).contains("is there already"), "{}", errors(&output));
    assert_eq!(std::fs::read(&taken).unwrap(), b"precious");
    let output = run(program(app).args(["backup", "no/such/folder/copy.db"]));
    assert!(!output.status.success() && errors(&output).contains("no/such/folder"), "{}", errors(&output));
    let output = run(program_over(app, "sqlite:missing.db").args(["backup", "copy.db"]));
    assert!(!output.status.success() && errors(&output).contains("there is no database at"), "{}", errors(&output));
    assert!(!app.folder.path().join("missing.db").exists() && !app.folder.path().join("copy.db").exists());
    // A relative path starts at the working directory.
    let output = run(program(app).args(["backup", "copy.db"]));
    assert!(output.status.success(), "{}", errors(&output));
    assert!(app.folder.path().join("copy.db").exists());
}

fn a_backup_that_fails_leaves_nothing(app: &App) {
    if app.engine == Engine::Postgres {
        return;
    }
    let folder = app.folder.path().join("backups");
    std::fs::create_dir(&folder).unwrap();
    let copy = folder.join("copy.db");
    // A database of some other program.
    let url = fresh(app);
    let foreign = open(&url, 1);
    sql(&foreign, "CREATE TABLE customers (id INTEGER)");
    let output = run(program_over(app, &url).arg("backup").arg(&copy));
    assert!(!output.status.success() && errors(&output).contains("no data of this service"), "{}", errors(&output));
    assert_eq!(others(&folder, &[]), [""; 0]);
    // A damaged database.
    sql(&app.database, "PRAGMA foreign_keys = OFF; UPDATE levels SET municipality_id = 'x'; PRAGMA foreign_keys = ON");
    app.post("/v1/levels", json!({"key": "a", "name": "A", "rank": 1})).expect(201);
    sql(&app.database, "PRAGMA foreign_keys = OFF; UPDATE levels SET municipality_id = 'x'; PRAGMA foreign_keys = ON");
    let output = run(program(app).arg("backup").arg(&copy));
    assert!(!output.status.success() && errors(&output).contains("municipality_id"), "{}", errors(&output));
    assert_eq!(others(&folder, &[]), [""; 0]);
}

fn postgres_is_backed_up_by_its_own_program(app: &App) {
    if app.engine == Engine::Sqlite {
        return;
    }
    let with_password = app.url.replacen("postgres@", "postgres:hemmelig@", 1);
    let output = run(program_over(app, &with_password).args(["backup", "copy.dump"]));
    let told = errors(&output);
    assert!(!output.status.success(), "{told}");
    assert!(told.contains("pg_dump --format=custom --file='copy.dump' --dbname='postgres"), "{told}");
    assert!(!told.contains("hemmelig"), "{told}");
    assert!(!app.folder.path().join("copy.dump").exists());
}

/// Requires that `check` finds nothing: requests over the API must leave a consistent database.
#[track_caller]
pub fn assert_consistent(app: &App) {
    assert_eq!(findings(app), [""; 0]);
}

/// The findings of `check` on the test's database.
fn findings(app: &App) -> Vec<String> {
    findings_at(&app.url).0
}

fn open_read_only(url: &str) -> Database {
    let options = Options { is_read_only: true, ..Options::new(AssignmentProjection) };
    Database::open(Location::parse(url).unwrap(), options).unwrap()
}

fn findings_at(url: &str) -> (Vec<String>, check::Summary) {
    let database = open_read_only(url);
    let mut found = Vec::new();
    let contract = Arc::new(api::contract().unwrap());
    let summary = block_on(check::check(&database, contract, &mut |finding| found.push(finding.to_owned()))).unwrap();
    assert_eq!(summary.findings, found.len());
    (found, summary)
}

fn import_demo(app: &App) {
    let bundle: Value = serde_json::from_str(&std::fs::read_to_string(demo()).unwrap()).unwrap();
    app.import(&bundle).unwrap();
}

fn a_consistent_database_has_no_findings(app: &App) {
    import_demo(app);
    for (_, bundle) in crate::plans::plans() {
        app.import(&bundle).unwrap();
    }
    // One of each kind of change: an update, a report, replaced values, an anonymised person, a deleted row.
    let token = app.token_of("noerrelund", "med.admin med.hr med.edit med.measure");
    let send = |method: &str, path: &str, body: Value| {
        app.request(method, path).token(&token).header("if-match", "*").json(&body).send()
    };
    send("PATCH", "/v1/committees/hoved-med", json!({"name": "Hoved-MED Nørrelund"})).expect(200);
    send("PATCH", "/v1/employees/m-1005", json!({"ends_on": "2026-01-31"})).expect(200);
    send("POST", "/v1/employees/m-1005/anonymise", json!({})).expect(200);
    send("PATCH", "/v1/levels/lokal-med", json!({"name": "Lokal-MED og personalemøder"})).expect(200);
    let summary = findings_at(&app.url);
    assert_eq!(summary.0, [""; 0]);
    assert!(summary.1.municipalities >= 3 && summary.1.rows_of("reports") >= 220, "{:?}", summary.1);
}

/// SQL that breaks a database with the demo, the text that the finding contains, and SQL that repairs it.
struct Break {
    sql: &'static str,
    mend: &'static str,
    told: &'static [&'static str],
}

const UNIT: &str = "(SELECT id FROM units WHERE key = 'hasselengskolen')";

fn breaks() -> Vec<(String, String, Vec<&'static str>)> {
    let all = [
        // Rules that no constraint expresses: people, cycles, dates, references by key.
        Break {
            sql: "UPDATE employees SET title = 'Lærer 010190-1234' WHERE key = 'm-1001'",
            mend: "UPDATE employees SET title = 'Centerchef' WHERE key = 'm-1001'",
            told: &["noerrelund: employees 'm-1001' title looks like a CPR number", "employee 'm-1001': title differs"],
        },
        Break {
            sql: "UPDATE units SET parent_id = UNIT WHERE key = 'center-boern-skole'",
            mend: "UPDATE units SET parent_id = NULL WHERE key = 'center-boern-skole'",
            told: &["puts the unit below itself", "unit 'center-boern-skole': parent differs from what change"],
        },
        Break {
            sql: "UPDATE memberships SET role = 'chair' WHERE key = 'hoved-med-naestformand'",
            mend: "UPDATE memberships SET role = 'deputy_chair' WHERE key = 'hoved-med-naestformand'",
            told: &["membership 'hoved-med-naestformand': role differs from what change"],
        },
        Break {
            sql: "UPDATE committees SET name = ' ' WHERE key = 'hoved-med'",
            mend: "UPDATE committees SET name = 'Hoved-MED' WHERE key = 'hoved-med'",
            told: &["noerrelund: committees 'hoved-med' can't be read: ", "'name': ' ' is no ShortText"],
        },
        Break {
            sql: "UPDATE indicator_values SET period = period + 3 WHERE series_id = (SELECT min(series_id) FROM indicator_values)",
            mend: "UPDATE indicator_values SET period = period - 3 WHERE series_id = (SELECT min(series_id) FROM indicator_values)",
            told: &[
                "noerrelund: values '",
                "is no period of this indicator",
                "outside of its first_period and last_period",
            ],
        },
        // Derived data.
        Break {
            sql: "CREATE TABLE aside AS SELECT id, search_text FROM units; \
                  UPDATE units SET search_text = 'noget andet' WHERE key = 'hasselengskolen'",
            mend: "UPDATE units SET search_text = (SELECT search_text FROM aside WHERE aside.id = units.id); DROP TABLE aside",
            told: &["is found under another search_text"],
        },
        Break {
            sql: "UPDATE latest_reports SET stage = 'dropped' WHERE report_id = (SELECT min(report_id) FROM latest_reports)",
            mend: "UPDATE latest_reports SET stage = (SELECT stage FROM reports WHERE id = report_id)",
            told: &["1 latest reports are not the latest", "the counts kept of 1 occurrences are wrong"],
        },
        Break {
            sql: "CREATE TABLE aside AS SELECT * FROM tallies; DELETE FROM tallies",
            mend: "INSERT INTO tallies SELECT * FROM aside; DROP TABLE aside",
            told: &["occurrences are wrong"],
        },
        Break {
            sql: "UPDATE indicators SET last_period = first_period WHERE key = 'sygefravaer'",
            mend: "UPDATE indicators SET last_period = (SELECT max(period) FROM indicator_values)",
            told: &["indicators 'sygefravaer' has values outside of its first_period and last_period"],
        },
        // The change log.
        Break {
            sql: "CREATE TABLE aside AS SELECT * FROM reports WHERE id = (SELECT max(id) FROM reports); \
                  UPDATE reports SET note = 'ikke sagt af nogen' WHERE id = (SELECT id FROM aside)",
            mend: "UPDATE reports SET note = (SELECT note FROM aside) WHERE id = (SELECT id FROM aside); DROP TABLE aside",
            told: &["noerrelund: report '", "note differs from what change"],
        },
        Break {
            sql: "UPDATE changes SET entity = 'ghost' WHERE entity_id = UNIT",
            mend: "UPDATE changes SET entity = 'unit' WHERE entity_id = UNIT",
            told: &["unit 'hasselengskolen' is in no change", "is gone, and no change says that it was deleted"],
        },
        Break {
            sql: "UPDATE changes SET \"after\" = '{' WHERE entity_id = UNIT",
            mend: "UPDATE changes SET \"after\" = '{\"key\": \"hasselengskolen\"}' WHERE entity_id = UNIT",
            told: &["holds what is no JSON"],
        },
        // References that no foreign key covers, and references across municipalities.
        Break {
            sql: "UPDATE indicator_values SET written_in = written_in + 1000000",
            mend: "UPDATE indicator_values SET written_in = written_in - 1000000",
            told: &["indicator_values.written_in refers to '", "not there in changes"],
        },
        Break {
            sql: "UPDATE committees SET municipality_id = (SELECT id FROM municipalities WHERE key = 'testby') \
                  WHERE key = 'lokal-med-hasselengskolen'",
            mend: "UPDATE committees SET municipality_id = (SELECT id FROM municipalities WHERE key = 'noerrelund')",
            told: &["level_id '", "is another municipality's, in levels", "committee_units '", "memberships '"],
        },
        // Malformed ids.
        Break {
            sql: "UPDATE access_log SET employee_id = 'hvem'; INSERT INTO access_log \
                  (municipality_id, at, actor_id, operation, employee_id, row_count) \
                  SELECT municipality_id, '2026-01-01 00:00:00', id, 'x', 'hvem', 1 FROM actors LIMIT 1",
            mend: "DELETE FROM access_log",
            told: &["access_log.employee_id holds 'hvem', which is no id"],
        },
    ];
    let whole = |sql: &str| sql.replace("UNIT", UNIT);
    all.into_iter().map(|Break { sql, mend, told }| (whole(sql), whole(mend), told.to_vec())).collect()
}

fn each_inconsistency_is_reported(app: &App) {
    import_demo(app);
    for (broken, mend, told) in breaks() {
        sql(&app.database, &broken);
        let found = findings(app);
        for words in told {
            assert!(found.iter().any(|finding| finding.contains(words)), "{broken}\n'{words}' is not told: {found:#?}");
        }
        assert!(found.iter().all(|finding| !finding.contains("1234") && !finding.contains('\n')), "{found:#?}");
        sql(&app.database, &mend);
    }
    assert_eq!(findings(app), [""; 0], "all is mended");
}

fn changed_tables_are_reported(app: &App) {
    import_demo(app);
    let told = |words: &str| {
        let found = findings(app);
        assert!(found.iter().any(|finding| finding.contains(words)), "'{words}' is not told: {found:#?}");
    };
    sql(&app.database, "DROP INDEX units_by_parent");
    told("the index units_by_parent is missing");
    let missing = "'01a5b000-0000-7000-8000-000000000000'";
    match app.engine {
        Engine::Sqlite => {
            sql(
                &app.database,
                &format!(
                    "PRAGMA foreign_keys = OFF; UPDATE units SET parent_id = {missing} WHERE key = 'hasselengskolen'"
                ),
            );
            told("SQLite: units.parent_id refers to a row of units that is not there");
            sql(
                &app.database,
                "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; UPDATE levels SET rank = 0",
            );
            told("SQLite: CHECK constraint failed in levels");
            sql(
                &app.database,
                "UPDATE employees SET starts_on = '31-01-2020', updated_at = 'i går' WHERE key = 'm-1001'",
            );
            told("employees.starts_on holds '31-01-2020', which is no day");
            told("employees.updated_at holds 'i går', which is no moment");
        }
        Engine::Postgres => {
            sql(&app.database, "ALTER TABLE units DROP CONSTRAINT units_parent_id_fkey");
            sql(&app.database, &format!("UPDATE units SET parent_id = {missing} WHERE key = 'hasselengskolen'"));
            told("no foreign key holds units.parent_id to units");
            told("units.parent_id refers to '01a5b000-0000-7000-8000-000000000000', which is not there in units");
            let constraint = "ALTER TABLE units ADD CONSTRAINT units_parent_id_fkey FOREIGN KEY (parent_id) \
                              REFERENCES units (id) NOT VALID";
            sql(&app.database, constraint);
            told("the constraint units: units_parent_id_fkey was never held against all rows");
        }
    }
    sql(&app.database, "DELETE FROM __diesel_schema_migrations WHERE version = '20261122200000'");
    told("not migrated: 20261122200000");
    sql(&app.database, "INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000')");
    told("the migration 20990101000000 is a newer program's");
}

fn checking_changes_nothing_and_takes_no_locks(app: &App) {
    import_demo(app);
    // A row that the check's dry run would write differently, if it wrote.
    sql(&app.database, "UPDATE memberships SET role = 'member' WHERE key = 'hoved-med-formand'");
    let state = || {
        (app.changes(), app.request("GET", "/v1/export").token(&app.token_of("noerrelund", "med.admin")).send().body)
    };
    let before = state();
    let digest = || match app.engine {
        Engine::Sqlite => std::fs::read(path_of(&app.url)).unwrap(),
        Engine::Postgres => Vec::new(),
    };
    let bytes = digest();
    let begun = Instant::now();
    let look = || BTreeSet::from_iter(findings(app));
    let undisturbed = look();
    // A waiting reader gives up after 10 seconds on SQLite, and never on PostgreSQL.
    let in_time = begun.elapsed() * 5 + Duration::from_secs(5);
    assert!(undisturbed.iter().any(|finding| finding.contains("role differs")), "{undisturbed:#?}");
    // Another client writes all the time.
    let database = open(&app.url, 1);
    let begin = match app.engine {
        Engine::Sqlite => "BEGIN IMMEDIATE",
        Engine::Postgres => "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('noerrelund', 165))",
    };
    let found = std::thread::scope(|scope| {
        let (locked, is_locked) = mpsc::channel();
        let (release, is_released) = mpsc::channel::<()>();
        let write = scope.spawn(move || {
            block_on(database.admin(move |connection| {
                connection.batch_execute(begin)?;
                locked.send(()).unwrap();
                let _ = is_released.recv();
                Ok(connection.batch_execute("ROLLBACK")?)
            }))
        });
        is_locked.recv().unwrap();
        let (send, findings) = mpsc::channel();
        scope.spawn(move || send.send(look()));
        let found = findings.recv_timeout(in_time);
        drop(release);
        write.join().unwrap().unwrap();
        found
    });
    assert_eq!(found.expect("it waits for a writer"), undisturbed);
    assert_eq!(digest(), bytes);
    assert_eq!(state(), before);
    // The database itself refuses to write.
    let reading = open_read_only(&app.url);
    assert!(try_sql(&reading, "DELETE FROM tallies").is_err());
}

fn values_are_checked_in_batches(app: &App) {
    import_demo(app);
    let whose =
        "(SELECT min(id) FROM value_series WHERE indicator_id = (SELECT id FROM indicators WHERE key = 'sygefravaer'))";
    // More values than a bundle may hold: series by groups, one of which has an invalid value.
    let counted = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 8400)";
    let group = match app.engine {
        Engine::Sqlite => "printf('g%05d', n)",
        Engine::Postgres => "'g' || lpad(n::text, 5, '0')",
    };
    sql(
        &app.database,
        &format!(
            "INSERT INTO value_series (indicator_id, unit_id, employee_group) {counted} \
             SELECT indicator_id, unit_id, {group} FROM n, value_series WHERE id = {whose}"
        ),
    );
    let months = "(SELECT DISTINCT period FROM indicator_values WHERE series_id = WHOSE)".replace("WHOSE", whose);
    let written = "(SELECT min(written_in) FROM indicator_values)";
    sql(
        &app.database,
        &format!(
            "INSERT INTO indicator_values (series_id, period, value, people, is_provisional, note, written_in) \
             SELECT s.id, p.period, 4.5, 20, false, NULL, {written} \
             FROM value_series s, {months} p WHERE s.employee_group LIKE 'g%'"
        ),
    );
    sql(
        &app.database,
        "UPDATE indicator_values SET note = 'ring til 010190-1234' WHERE series_id = (SELECT max(id) FROM value_series)",
    );
    let (found, summary) = findings_at(&app.url);
    let many = summary.rows_of("indicator_values");
    assert!(many > 8400, "{many}");
    assert!(!found.is_empty() && found.iter().all(|finding| finding.contains("values 'sygefravaer'")), "{found:#?}");
    assert!(found[0].contains("note looks like a CPR number"), "{found:#?}");
}

fn the_command_prints_its_findings(app: &App) {
    import_demo(app);
    let output = run(program(app).arg("check"));
    assert!(output.status.success(), "{}{}", out(&output), errors(&output));
    assert_eq!(out(&output).lines().count(), 1);
    assert!(out(&output).contains("3 municipalities") && out(&output).contains(": 0 findings."), "{}", out(&output));
    sql(&app.database, "UPDATE levels SET rank = 7 WHERE key = 'hoved-med'");
    let output = run(program(app).arg("check"));
    assert!(!output.status.success());
    let lines = out(&output);
    assert!(lines.lines().next().unwrap().starts_with("noerrelund: level 'hoved-med': rank differs"), "{lines}");
    assert!(lines.lines().last().unwrap().ends_with(": 1 findings.") && errors(&output).is_empty(), "{lines}");
    let missing = run(program_over(app, "sqlite:missing.db").arg("check"));
    assert!(!missing.status.success() && errors(&missing).contains("There is no database at"), "{}", errors(&missing));
    assert!(!app.folder.path().join("missing.db").exists());
    let empty = run(program_over(app, &fresh(app)).arg("check"));
    assert!(!empty.status.success());
}

fn a_damaged_file_is_reported(app: &App) {
    if app.engine == Engine::Postgres {
        return;
    }
    import_demo(app);
    let copy = app.folder.path().join("copy.db");
    assert!(run(program(app).arg("backup").arg(&copy)).status.success());
    let whole = std::fs::read(&copy).unwrap();
    let mut broken = whole.clone();
    broken[whole.len() / 2..][..40_000].fill(0xA5);
    for damaged in [&whole[..whole.len() / 2], &broken, b"junk"] {
        std::fs::write(&copy, damaged).unwrap();
        let output = run(program_over(app, &format!("sqlite:{}", copy.display())).arg("check"));
        let told = out(&output) + &errors(&output);
        assert!(!output.status.success() && told.contains("is damaged"), "{told}");
    }
}

fn the_health_check_asks_the_service(app: &App) {
    let address = app.base.strip_prefix("http://").unwrap();
    let check = |bind: &str| run(program(app).args(["healthcheck", "--bind", bind]));
    let output = check(address);
    assert!(output.status.success(), "{}", errors(&output));
    // A server that listens on every address is checked on this machine, without a proxy.
    let everywhere = address.replace("127.0.0.1", "0.0.0.0");
    let output = run(program(app).env("http_proxy", "http://127.0.0.1:1").args(["healthcheck", "--bind", &everywhere]));
    assert!(output.status.success(), "{}", errors(&output));
    sql(&app.database, "DELETE FROM __diesel_schema_migrations");
    let output = check(address);
    assert!(!output.status.success() && errors(&output).contains("503"), "{}", errors(&output));
    let output = check("127.0.0.1:1");
    assert!(!output.status.success() && errors(&output).contains("doesn't answer"), "{}", errors(&output));
}

/// Stores accesses (days old) and idempotency keys (hours old) in each of two municipalities.
fn age(app: &App) {
    import_demo(app);
    for n in [1, 29, 31, 366] {
        sql(
            &app.database,
            &format!(
                "INSERT INTO access_log (municipality_id, at, actor_id, operation, employee_id, row_count) \
                 SELECT municipality_id, '{}', id, 'x', NULL, 1 FROM actors",
                (chrono::Utc::now() - chrono::TimeDelta::days(n)).format("%Y-%m-%d %H:%M:%S")
            ),
        );
    }
    for n in [1, 23, 25, 49] {
        sql(
            &app.database,
            &format!(
                "INSERT INTO idempotency_keys (actor_id, key, fingerprint, report_id, created_at) \
                 SELECT actor_id, 'k-{n}', 'f', min(id), '{}' FROM reports GROUP BY actor_id",
                (chrono::Utc::now() - chrono::TimeDelta::hours(n)).format("%Y-%m-%d %H:%M:%S")
            ),
        );
    }
}

fn outdated_rows_are_removed(app: &App) {
    age(app);
    let forget = |days: u32, hours: u32| {
        let retention = Retention { access_log_days: days, idempotency_hours: hours };
        let options = Options { retention, pool_size: 4, ..Options::new(AssignmentProjection) };
        let database = Database::open(Location::parse(&app.url).unwrap(), options).unwrap();
        // Two instances may clean up at the same time.
        let both = futures_util::future::try_join(database.forget_outdated(), database.forget_outdated());
        let (one, two) = block_on(both).unwrap();
        Forgotten {
            accesses: one.accesses + two.accesses,
            idempotency_keys: one.idempotency_keys + two.idempotency_keys,
        }
    };
    // Actors: the importer in each of three municipalities.
    assert_eq!(forget(365, 48), Forgotten { accesses: 3, idempotency_keys: 1 });
    assert_eq!(forget(365, 24), Forgotten { accesses: 0, idempotency_keys: 1 });
    assert_eq!(forget(30, 24), Forgotten { accesses: 3, idempotency_keys: 0 });
    assert_eq!(forget(30, 24), Forgotten::default());
    assert_consistent(app);
}

fn the_service_removes_outdated_rows(app: &App) {
    age(app);
    let mut served = std::process::Command::new(env!("CARGO_BIN_EXE_medstrategi"))
        .current_dir(app.folder.path())
        .env_clear()
        .args(["serve", "--bind", "127.0.0.1:0", "--database-url", &app.url])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let left = || {
        let count = |connection: &mut AnyConnection| {
            Ok(integrity::count(connection, "access_log")? + integrity::count(connection, "idempotency_keys")?)
        };
        block_on(app.database.admin(move |admin| admin.read(count))).unwrap()
    };
    wait_until("what is too old is gone", || left() == 3 * 3 + 2);
    signal(&served, "-TERM");
    assert!(wait(&mut served).success(), "it doesn't hold up the end");
}
