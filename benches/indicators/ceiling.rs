//! The fastest plain INSERTs, as the ceiling for writing.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Double, Integer};
use medstrategi::action::assignment::store::projection::AssignmentProjection;
use medstrategi::db::schema::indicator_values;
use medstrategi::db::{AnyConnection, Database, Engine, Location, Options};
use medstrategi::period::Period;

use crate::common::databases::TestDatabase;
use crate::common::sql::rows;
use crate::service::{Run, import};
use crate::town::{Measurement, Town, indicator_key};

pub const BARE_BATCHES: &str = "bare SQL: INSERT of 500 rows a statement";
pub const BARE_PREPARED: &str = "bare SQL: INSERT, prepared, row by row";
pub const BARE_ARRAYS: &str = "bare SQL: INSERT of all rows from arrays";

/// A copy of the database into which plain SQL inserts the values, with the same keys, checks and commits.
pub struct Ceiling {
    pub connection: AnyConnection,
    pub home: TestDatabase,
}

/// A row of `indicator_values`.
pub struct ValueRow {
    pub series: i64,
    pub period: i32,
    pub value: f64,
    pub people: i32,
}

impl Ceiling {
    pub fn prepare(home: TestDatabase, town: &Town) -> Self {
        import(&Database::open(Location::parse(&home.url).unwrap(), Options::new(AssignmentProjection)).unwrap(), town);
        Self { connection: home.connect(), home }
    }

    /// The two fastest methods; which one is faster depends on the machine.
    pub fn methods(&self) -> [&'static str; 2] {
        match self.home.engine {
            Engine::Sqlite => [BARE_BATCHES, BARE_PREPARED],
            Engine::Postgres => [BARE_BATCHES, BARE_ARRAYS],
        }
    }

    /// Inserts the values of the indicator in one transaction. Each call has its own series, which are made before the
    /// clock starts, and so are the statements.
    pub fn insert(&mut self, town: &Town, turn: usize, method: usize) -> Run {
        let series = self.series(town, turn * self.methods().len() + method);
        let rows = value_rows(town, turn, &series);
        let took = match self.methods()[method] {
            BARE_BATCHES => self.insert_batches(&rows),
            _ => self.insert_by_values(rows),
        };
        Run { took, statements: 0 }
    }

    /// Creates the series of an indicator and returns their ids.
    pub fn series(&mut self, town: &Town, indicator: usize) -> Vec<i64> {
        let (key, count) = (indicator_key(indicator), town.workplaces);
        let sql = format!(
            "INSERT INTO value_series (indicator_id, unit_id, employee_group) \
             SELECT i.id, u.id, '' FROM indicators i CROSS JOIN units u \
             WHERE i.key = '{key}' ORDER BY u.key LIMIT {count}"
        );
        self.connection.batch_execute(&sql).unwrap();
        let sql = format!(
            "SELECT s.id FROM value_series s JOIN indicators i ON i.id = s.indicator_id \
             WHERE i.key = '{key}' ORDER BY s.id"
        );
        let ids: Vec<(i64,)> = rows!(&mut self.connection, &sql, [BigInt]);
        assert_eq!(ids.len(), count, "{key}");
        ids.into_iter().map(|(id,)| id).collect()
    }

    pub fn insert_batches(&mut self, rows: &[ValueRow]) -> Duration {
        let statement = |batch: &[ValueRow]| {
            let mut sql = String::from(
                "INSERT INTO indicator_values (series_id, period, value, people, is_provisional, written_in) VALUES ",
            );
            for (n, ValueRow { series, period, value, people }) in batch.iter().enumerate() {
                let comma = if n == 0 { "" } else { "," };
                write!(sql, "{comma}({series},{period},{value:.1},{people},FALSE,1)").unwrap();
            }
            sql
        };
        let statements: Vec<String> = rows.chunks(500).map(statement).collect();
        let start = Instant::now();
        self.connection.batch_execute("BEGIN").unwrap();
        statements.iter().for_each(|sql| self.connection.batch_execute(sql).unwrap());
        self.connection.batch_execute("COMMIT").unwrap();
        start.elapsed()
    }

    /// Row by row on SQLite, where a statement costs little; from arrays on PostgreSQL, where it costs much.
    pub fn insert_by_values(&mut self, rows: Vec<ValueRow>) -> Duration {
        let series: Vec<i64> = rows.iter().map(|row| row.series).collect();
        let periods: Vec<i32> = rows.iter().map(|row| row.period).collect();
        let values: Vec<f64> = rows.iter().map(|row| row.value).collect();
        let people: Vec<i32> = rows.iter().map(|row| row.people).collect();
        let start = Instant::now();
        self.connection.batch_execute("BEGIN").unwrap();
        match &mut self.connection {
            AnyConnection::Postgres(postgres) => {
                let insert = diesel::sql_query(
                    "INSERT INTO indicator_values (series_id, period, value, people, is_provisional, written_in) \
                     SELECT s, p, v, c, FALSE, 1 FROM UNNEST($1, $2, $3, $4) AS given (s, p, v, c)",
                );
                let insert = insert
                    .bind::<Array<BigInt>, _>(series)
                    .bind::<Array<Integer>, _>(periods)
                    .bind::<Array<Double>, _>(values)
                    .bind::<Array<Integer>, _>(people);
                assert_eq!(insert.execute(postgres).unwrap(), rows.len());
            }
            AnyConnection::Sqlite(sqlite) => {
                for ValueRow { series, period, value, people } in rows {
                    let insert = diesel::insert_into(indicator_values::table).values((
                        indicator_values::series_id.eq(series),
                        indicator_values::period.eq(period),
                        indicator_values::value.eq(value),
                        indicator_values::people.eq(people),
                        indicator_values::is_provisional.eq(false),
                        indicator_values::written_in.eq(1_i64),
                    ));
                    insert.execute(&mut *sqlite).unwrap();
                }
            }
        }
        self.connection.batch_execute("COMMIT").unwrap();
        start.elapsed()
    }
}

/// The values of an indicator as rows in the order of the table, which is the fastest to insert.
pub fn value_rows(town: &Town, indicator: usize, series: &[i64]) -> Vec<ValueRow> {
    let number = |month: &String| {
        let period: Period = month.parse().unwrap();
        period.number()
    };
    let periods: Vec<i32> = town.months.iter().map(number).collect();
    let row = |measurement: Measurement| {
        let Measurement { unit, month, tenths, people } = measurement;
        let value = tenths as f64 / 10.0;
        ValueRow { series: series[unit], period: periods[month], value, people: i32::try_from(people).unwrap() }
    };
    let mut rows: Vec<ValueRow> = town.measurements(indicator, false).into_iter().map(row).collect();
    rows.sort_unstable_by_key(|row| (row.series, row.period));
    rows
}
