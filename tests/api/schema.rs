//! Migrations: up and down, on both engines, with the tables that `schema.rs` declares.

use std::sync::Barrier;

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_migrations::MigrationHarness;
use medstrategi::action::assignment::store::projection::AssignmentProjection;
use medstrategi::db::{Admin, AnyConnection, Database, Engine, Location, Options, block_on, migrate};

use crate::harness::{App, open, sql};

crate::tests![
    migrations_run_up_and_down,
    the_tables_agree_with_the_schema,
    both_engines_have_the_same_migrations,
    many_instances_may_migrate_at_once,
    many_instances_may_open_a_new_file_at_once,
    readiness_waits_for_migrations,
    foreign_keys_are_indexed,
];

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    value: String,
}

fn rows(connection: &mut AnyConnection, sql: &str) -> Vec<String> {
    let rows: Vec<Row> = match connection {
        AnyConnection::Sqlite(sqlite) => diesel::sql_query(sql).load(sqlite).unwrap(),
        AnyConnection::Postgres(postgres) => diesel::sql_query(sql).load(postgres).unwrap(),
    };
    rows.into_iter().map(|row| row.value).collect()
}

fn tables(connection: &mut AnyConnection) -> Vec<String> {
    let sql = match connection.engine() {
        Engine::Sqlite => "SELECT name AS value FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        Engine::Postgres => {
            "SELECT table_name::text AS value FROM information_schema.tables WHERE table_schema = 'public'"
        }
    };
    let mut tables = rows(connection, sql);
    tables.retain(|table| table != "__diesel_schema_migrations");
    tables.sort();
    tables
}

fn bare(app: &App) -> Database {
    let url = app.engines.create_bare(app.engine, app.folder.path());
    open(&url, 4)
}

fn migrations_run_up_and_down(app: &App) {
    let database = bare(app);
    let work = |connection: &mut Admin<'_>| {
        migrate::run(connection)?;
        let up = tables(connection);
        assert!(up.len() > 10);
        match &mut **connection {
            AnyConnection::Sqlite(sqlite) => drop(sqlite.revert_all_migrations(migrate::SQLITE).unwrap()),
            AnyConnection::Postgres(postgres) => drop(postgres.revert_all_migrations(migrate::POSTGRES).unwrap()),
        }
        assert_eq!(tables(connection), [""; 0]);
        migrate::run(connection)?;
        assert_eq!(tables(connection), up);
        assert_eq!(migrate::run(connection)?, [""; 0]);
        Ok(())
    };
    block_on(database.admin(work)).unwrap();
}

/// Table, column and type, as in `schema.rs`.
fn columns(connection: &mut AnyConnection) -> Vec<String> {
    let sql = match connection.engine() {
        Engine::Sqlite => {
            "SELECT m.name || '.' || c.name || ' ' || c.type || CASE c.\"notnull\" WHEN 1 THEN '' ELSE '?' END \
             AS value FROM sqlite_master m JOIN pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
        }
        Engine::Postgres => {
            "SELECT table_name || '.' || column_name || ' ' || data_type \
             || CASE is_nullable WHEN 'NO' THEN '' ELSE '?' END AS value FROM information_schema.columns WHERE table_schema = 'public'"
        }
    };
    let mut columns: Vec<String> = rows(connection, sql)
        .into_iter()
        .filter(|column| !column.starts_with("__diesel"))
        .map(|column| {
            let (name, kind) = column.split_once(' ').unwrap();
            let (kind, nullable) = match kind.strip_suffix('?') {
                Some(kind) => (kind, true),
                None => (kind, false),
            };
            let kind = match kind.to_lowercase().as_str() {
                "text" => "Text",
                // SQLite's rowid is a 64-bit INTEGER under any column name.
                "integer" if name.ends_with(".sequence") || name == "value_series.id" => "BigInt",
                "integer" => "Integer",
                "bigint" => "BigInt",
                "boolean" => "Bool",
                "double" | "double precision" => "Double",
                "date" => "Date",
                "timestamp" | "timestamp without time zone" => "Timestamp",
                other => panic!("{name} has the type {other}"),
            };
            if nullable { format!("{name} Nullable<{kind}>") } else { format!("{name} {kind}") }
        })
        .collect();
    columns.sort();
    columns
}

fn the_tables_agree_with_the_schema(app: &App) {
    let source = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/db/schema.rs")).unwrap();
    let mut table = String::new();
    let mut expected = Vec::new();
    for line in source.lines().map(str::trim) {
        if let Some((column, kind)) = line.split_once(" -> ").filter(|(column, _)| !column.contains('(')) {
            expected.push(format!("{table}.{column} {}", kind.trim_end_matches(',')));
        } else if let Some((name, _)) = line.split_once(" (").filter(|_| line.ends_with('{')) {
            table = name.to_owned();
        }
    }
    expected.sort();
    assert!(expected.len() > 100);
    let found = block_on(app.database.admin(|connection| Ok(columns(connection)))).unwrap();
    assert_eq!(found, expected);
}

fn both_engines_have_the_same_migrations(_: &App) {
    let names = |engine: &str| {
        let folder = format!("{}/migrations/{engine}", env!("CARGO_MANIFEST_DIR"));
        let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
}

fn many_instances_may_migrate_at_once(app: &App) {
    let url = app.engines.create_bare(app.engine, app.folder.path());
    let ran: Vec<usize> = std::thread::scope(|scope| {
        let start = || {
            let database = open(&url, 1);
            block_on(database.admin(|connection| migrate::run(connection))).unwrap().len()
        };
        let instances: Vec<_> = (0..6).map(|_| scope.spawn(start)).collect();
        instances.into_iter().map(|instance| instance.join().unwrap()).collect()
    });
    assert_eq!(ran.iter().filter(|ran| **ran > 0).count(), 1, "one migrates, the others wait: {ran:?}");
}

fn many_instances_may_open_a_new_file_at_once(app: &App) {
    if app.engine == Engine::Postgres {
        return;
    }
    for round in 0..50 {
        let location = Location::Sqlite(app.folder.path().join(format!("new-{round}.db")));
        let start = Barrier::new(6);
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    start.wait();
                    Database::open(location.clone(), Options::new(AssignmentProjection)).unwrap()
                });
            }
        });
    }
}

fn readiness_waits_for_migrations(app: &App) {
    app.get("/readyz").expect(204);
    sql(&app.database, "DELETE FROM __diesel_schema_migrations");
    app.get("/readyz").expect_problem(503, "unavailable");
}

fn foreign_keys_are_indexed(app: &App) {
    let (keys, leading) = match app.engine {
        Engine::Sqlite => (
            "SELECT m.name || ' ' || f.\"from\" AS value FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f \
             WHERE m.type = 'table'",
            "SELECT m.name || ' ' || c.name AS value FROM sqlite_master m JOIN pragma_index_list(m.name) i \
             JOIN pragma_index_info(i.name) c WHERE m.type = 'table' AND c.seqno = 0",
        ),
        Engine::Postgres => (
            "SELECT c.conrelid::regclass::text || ' ' || a.attname AS value FROM pg_constraint c \
             JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] WHERE c.contype = 'f'",
            "SELECT i.indrelid::regclass::text || ' ' || a.attname AS value FROM pg_index i \
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]",
        ),
    };
    let work = move |connection: &mut Admin<'_>| {
        let leading = rows(connection, leading);
        let keys = rows(connection, keys);
        assert!(keys.len() > 20);
        for key in keys {
            assert!(leading.contains(&key), "the foreign key {key} leads no index");
        }
        Ok(())
    };
    block_on(app.database.admin(work)).unwrap();
}
