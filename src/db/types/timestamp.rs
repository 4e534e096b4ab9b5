//! Times, in UTC.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate, NaiveDateTime, SubsecRound, Utc};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Timestamp as SqlTimestamp;
use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};

use super::string_schema;

/// A moment in UTC, to the microsecond, the precision of both engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = SqlTimestamp)]
pub struct Timestamp(NaiveDateTime);

impl Timestamp {
    /// The present moment.
    pub fn now() -> Self {
        Self(Utc::now().naive_utc().trunc_subsecs(6))
    }

    /// The next moment that differs from this one.
    pub fn next(self) -> Self {
        Self(self.0.checked_add_signed(chrono::TimeDelta::microseconds(1)).unwrap_or(self.0))
    }

    /// The day in Denmark.
    pub fn day(self) -> NaiveDate {
        self.0.and_utc().with_timezone(&chrono_tz::Europe::Copenhagen).date_naive()
    }

    /// The moment at which a day begins in Denmark.
    pub fn beginning_of(day: NaiveDate) -> Self {
        // Clocks there never change at midnight; if they ever did, midnight in UTC is taken instead.
        let midnight = day.and_time(chrono::NaiveTime::MIN);
        let moment = midnight.and_local_timezone(chrono_tz::Europe::Copenhagen).earliest();
        Self(moment.map_or(midnight, |moment| moment.naive_utc()))
    }

    /// As many days before.
    pub fn minus_days(self, days: u32) -> Self {
        Self(self.0.checked_sub_days(chrono::Days::new(days.into())).unwrap_or(NaiveDateTime::MIN))
    }

    /// As many hours before.
    pub fn minus_hours(self, hours: u32) -> Self {
        Self(self.0.checked_sub_signed(chrono::TimeDelta::hours(hours.into())).unwrap_or(NaiveDateTime::MIN))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%dT%H:%M:%S%.6fZ"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Timestamp {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let moment = chrono::DateTime::parse_from_rfc3339(text).map(|moment| moment.naive_utc().trunc_subsecs(6));
        // SQLite compares times as text, so years need four digits.
        let is_common = |moment: &NaiveDateTime| (1..=9999).contains(&moment.year());
        moment.ok().filter(is_common).map(Self).ok_or("is not a moment: write it as in 2025-01-31T08:15:30Z")
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl<DB> FromSql<SqlTimestamp, DB> for Timestamp
where
    DB: Backend,
    NaiveDateTime: FromSql<SqlTimestamp, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        NaiveDateTime::from_sql(bytes).map(Self)
    }
}

impl<DB> ToSql<SqlTimestamp, DB> for Timestamp
where
    DB: Backend,
    NaiveDateTime: ToSql<SqlTimestamp, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

impl utoipa::PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        string_schema("date-time", "RFC 3339 in UTC, to the microsecond.")
            .examples(["2025-01-31T08:15:30.123456Z"])
            .into()
    }
}

impl utoipa::ToSchema for Timestamp {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_with_six_digits() {
        assert!(Timestamp::now().to_string().ends_with('Z'));
        assert_eq!(Timestamp::now().to_string().len(), "2025-01-31T08:15:30.123456Z".len());
    }
}
