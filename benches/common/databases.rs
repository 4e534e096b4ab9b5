//! Databases to measure on: below `TMPDIR`, on a throw-away PostgreSQL server, or on the one of `TEST_POSTGRES_URL`.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use engines::Engines;
use medstrategi::db::{AnyConnection, Engine};

#[path = "../../tests/api/engines.rs"]
pub mod engines;

/// The engines; a throw-away PostgreSQL is stopped however the benchmark ends.
pub struct Databases(Engines);

impl Databases {
    pub fn start() -> Self {
        Self(Engines::start())
    }

    /// A new database with nothing in it but its tables; none where there is no PostgreSQL.
    pub fn create(&self, engine: Engine) -> Option<Home> {
        if !self.0.has(engine) {
            eprintln!("\nNOT MEASURED: PostgreSQL. Install its server, or name one in TEST_POSTGRES_URL.");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let url = self.0.create(engine, folder.path());
        Some(Home { engine, url, folder })
    }
}

impl Drop for Databases {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// A database and a folder, which are gone with it.
pub struct Home {
    pub engine: Engine,
    pub url: String,
    pub folder: tempfile::TempDir,
}

impl Home {
    /// A connection of its own, without the pool.
    pub fn connect(&self) -> AnyConnection {
        connect(self.engine, &self.url)
    }

    /// Does what PostgreSQL would do by itself, within a minute of so many rows.
    pub fn settle(&self) {
        if self.engine == Engine::Postgres {
            self.connect().batch_execute("VACUUM ANALYZE").unwrap();
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let Some((base, name)) = self.url.rsplit_once('/').filter(|_| self.engine == Engine::Postgres) else { return };
        // It may be that the server is what has failed.
        let dropped = PgConnection::establish(&format!("{base}/postgres")).map_err(|error| error.to_string()).and_then(
            |mut admin| {
                let sql = format!("DROP DATABASE {name} WITH (FORCE)");
                admin.batch_execute(&sql).map_err(|error| error.to_string())
            },
        );
        if let Err(error) = dropped {
            eprintln!("the database {name} is still there: {error}");
        }
    }
}

/// A connection as the program has them.
pub fn connect(engine: Engine, url: &str) -> AnyConnection {
    match engine {
        Engine::Postgres => AnyConnection::Postgres(PgConnection::establish(url).unwrap()),
        Engine::Sqlite => {
            let path = url.strip_prefix("sqlite:").unwrap();
            assert!(Path::new(path).exists(), "{path}");
            let mut sqlite = SqliteConnection::establish(path).unwrap();
            let settings = "PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON";
            sqlite.batch_execute(settings).unwrap();
            AnyConnection::Sqlite(sqlite)
        }
    }
}

/// An engine as tables name it.
pub fn name(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "SQLite",
        Engine::Postgres => "PostgreSQL",
    }
}

/// Says where the figures that follow come from.
pub fn print_head(engine: Engine) {
    match (engine, std::env::var("TEST_POSTGRES_URL")) {
        (Engine::Sqlite, _) => println!("\nSQLite, below {}", std::env::temp_dir().display()),
        (Engine::Postgres, Ok(_)) => println!("\nPostgreSQL, the server of TEST_POSTGRES_URL"),
        (Engine::Postgres, Err(_)) => {
            println!("\nPostgreSQL with fsync off, which flatters it: TEST_POSTGRES_URL names another server");
        }
    }
}
