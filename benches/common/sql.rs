//! Hand-written SQL that bypasses the service.

use std::marker::PhantomData;

use chrono::{NaiveDate, NaiveDateTime};
use diesel::backend::Backend;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Bool, Date, Double, HasSqlType, Integer, Nullable, SingleValue, Text, Timestamp};
use medstrategi::db::AnyConnection;

/// A statement with result columns `C`, prepared once per connection (`diesel::sql_query` would plan it each time).
/// Each `?` stands for the next of `texts`.
pub struct Statement<'s, C> {
    pub sql: &'s str,
    pub texts: &'s [&'s str],
    pub columns: PhantomData<C>,
}

impl<C> Query for Statement<'_, C> {
    type SqlType = C;
}

impl<C> QueryId for Statement<'_, C> {
    type QueryId = ();
    // Its text says what it reads.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C, DB> QueryFragment<DB> for Statement<'_, C>
where
    DB: Backend + HasSqlType<Text>,
    str: ToSql<Text, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let mut pieces = self.sql.split('?');
        out.push_sql(pieces.next().unwrap_or_default());
        for (piece, text) in pieces.zip(self.texts) {
            out.push_bind_param::<Text, str>(text)?;
            out.push_sql(piece);
        }
        Ok(())
    }
}

impl<C, Conn> RunQueryDsl<Conn> for Statement<'_, C> {}

/// Runs a statement without a result.
pub fn execute(connection: &mut AnyConnection, sql: &str, texts: &[&str]) {
    let statement = Statement::<()> { sql, texts, columns: PhantomData };
    match connection {
        AnyConnection::Postgres(postgres) => statement.execute(postgres),
        AnyConnection::Sqlite(sqlite) => statement.execute(sqlite),
    }
    .unwrap();
}

/// The Rust type of a column.
pub trait Column {
    type Value;
}

macro_rules! columns {
    ($($column:ty => $value:ty),+ $(,)?) => { $(impl Column for $column { type Value = $value; })+ };
}

columns!(
    Text => String, Bool => bool, Integer => i32, BigInt => i64, Double => f64, Date => NaiveDate,
    Timestamp => NaiveDateTime,
);

impl<C: Column + SingleValue> Column for Nullable<C> {
    type Value = Option<C::Value>;
}

/// The rows of a statement; the list says the SQL types of its columns.
macro_rules! rows {
    ($connection:expr, $sql:expr, [$($column:ty),+ $(,)?]) => {
        $crate::common::sql::rows!($connection, $sql, &[], [$($column),+])
    };
    ($connection:expr, $sql:expr, $texts:expr, [$($column:ty),+ $(,)?]) => {{
        use diesel::RunQueryDsl as _;
        type Row = ($(<$column as $crate::common::sql::Column>::Value,)+);
        let statement = $crate::common::sql::Statement::<($($column,)+)> {
            sql: $sql,
            texts: $texts,
            columns: std::marker::PhantomData,
        };
        let rows = match &mut *$connection {
            medstrategi::db::AnyConnection::Postgres(postgres) => statement.load::<Row>(postgres),
            medstrategi::db::AnyConnection::Sqlite(sqlite) => statement.load::<Row>(sqlite),
        };
        std::hint::black_box(rows.unwrap())
    }};
}
pub(crate) use rows;
