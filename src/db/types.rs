//! The small types that columns hold: ids, keys, times, enums and JSON, each stored as text or time.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate, NaiveDateTime, SubsecRound, Utc};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::Pg;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Text, Timestamp as SqlTimestamp};
use diesel::sqlite::Sqlite;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use uuid::Uuid;

use super::connection::MultiBackend;

/// Stores a type with `Display` and `FromStr` in a text column of both engines.
#[macro_export]
macro_rules! stored_as_text {
    ($type:ty) => {
        const _: () = {
            use diesel::deserialize::{self, FromSql};
            use diesel::serialize::{self, IsNull, Output, ToSql};
            use diesel::sql_types::Text;

            impl<DB> FromSql<Text, DB> for $type
            where
                DB: diesel::backend::Backend,
                String: FromSql<Text, DB>,
            {
                fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
                    let text = <String as FromSql<Text, DB>>::from_sql(bytes)?;
                    text.parse().map_err(|_| format!("'{text}' is no {}", stringify!($type)).into())
                }
            }

            impl ToSql<Text, diesel::pg::Pg> for $type {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, diesel::pg::Pg>) -> serialize::Result {
                    std::io::Write::write_all(out, self.to_string().as_bytes())?;
                    Ok(IsNull::No)
                }
            }

            impl ToSql<Text, diesel::sqlite::Sqlite> for $type {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, diesel::sqlite::Sqlite>) -> serialize::Result {
                    out.set_value(self.to_string());
                    Ok(IsNull::No)
                }
            }

            impl ToSql<Text, $crate::db::connection::MultiBackend> for $type {
                fn to_sql<'b>(
                    &'b self,
                    out: &mut Output<'b, '_, $crate::db::connection::MultiBackend>,
                ) -> serialize::Result {
                    out.set_value((Text, self));
                    Ok(IsNull::No)
                }
            }
        };
    };
}

/// Reads and writes a type with `Display` and `FromStr` as a string, for
/// `#[serde(try_from = "String", into = "String")]`.
#[macro_export]
macro_rules! sent_as_text {
    ($type:ty) => {
        impl TryFrom<String> for $type {
            type Error = <$type as std::str::FromStr>::Err;

            fn try_from(text: String) -> std::result::Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }
    };
}

/// An enum whose variants are stored, sent and received as fixed words.
#[macro_export]
macro_rules! text_enum {
    ($(#[doc = $doc:literal])* $name:ident { $($(#[doc = $variant_doc:literal])* $variant:ident = $word:literal,)+ }) => {
        $(#[doc = $doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
            diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
        )]
        #[diesel(sql_type = diesel::sql_types::Text)]
        pub enum $name { $($(#[doc = $variant_doc])* #[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// Every value, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word that stands for it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl utoipa::PartialSchema for $name {
            /// Each word with its meaning: the contract is where users look it up.
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let meanings = [$(format!("`{}`: {}", $word, concat!($($variant_doc),*).trim()),)+];
                let description = format!("{}\n\n- {}", concat!($($doc),*).trim(), meanings.join("\n- "));
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .description(Some(description))
                    .enum_values(Some([$($word,)+]))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = ();

            fn from_str(word: &str) -> std::result::Result<Self, ()> {
                match word { $($word => Ok(Self::$variant),)+ _ => Err(()) }
            }
        }

        $crate::stored_as_text!($name);
    };
}

fn string_schema(format: &str, description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::Custom(format.into())))
        .description(Some(description))
}

/// The id of a row: a UUIDv7 (RFC 9562), so that ids grow with time.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, AsExpression, FromSqlRow,
)]
#[diesel(sql_type = Text)]
pub struct Id(Uuid);

impl Id {
    /// A new id, greater than those made before.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for Id {
    type Err = ();

    /// Takes the hyphenated form alone, in either case.
    fn from_str(text: &str) -> Result<Self, ()> {
        match text.len() {
            36 => Uuid::try_parse(text).map(Self).map_err(|_| ()),
            _ => Err(()),
        }
    }
}

crate::stored_as_text!(Id);

impl utoipa::PartialSchema for Id {
    fn schema() -> RefOr<Schema> {
        string_schema("uuid", "A UUIDv7 given by the service.")
            .examples(["0193a5b0-6c1e-7d3a-9f5e-2b8c4d6e8f01"])
            .into()
    }
}

impl utoipa::ToSchema for Id {}

/// The longest key, in characters.
pub const KEY_LENGTH: usize = 100;

macro_rules! key_type {
    ($(#[$meta:meta])* $name:ident, $format:literal, $pattern:literal, $example:literal, $extra:pat, $expected:literal) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, AsExpression, FromSqlRow,
        )]
        #[serde(try_from = "String", into = "String")]
        #[diesel(sql_type = Text)]
        pub struct $name(String);

        impl $name {
            /// What a faulty key is answered with.
            pub const EXPECTED: &'static str = $expected;

            /// The key as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let allowed = |byte: u8| {
                    matches!(byte, b'a'..=b'z' | b'0'..=b'9') || matches!(byte, $extra)
                };
                let mut bytes = text.bytes();
                let starts_well = bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric() && allowed(byte));
                let fits = starts_well && bytes.all(|byte| byte == b'-' || allowed(byte)) && text.len() <= KEY_LENGTH;
                if fits && Uuid::try_parse(text).is_err() { Ok(Self(text.to_owned())) } else { Err(Self::EXPECTED) }
            }
        }

        crate::sent_as_text!($name);

        crate::stored_as_text!($name);

        impl utoipa::PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                string_schema($format, $expected).examples([$example]).pattern(Some($pattern)).max_length(Some(KEY_LENGTH)).into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}

key_type! {
    /// A slug that the client chooses: `[a-z0-9][a-z0-9-]*`, never shaped like a UUID, never changed.
    Key, "key", "^[a-z0-9][a-z0-9-]*$", "plan-2025-2028", b'-',
    "A key: small letters a to z, digits and hyphens, the first a letter or digit, at most 100, not shaped like a UUID."
}

key_type! {
    /// The key of what an HR system may own: also capitals, full stops and underscores.
    RegisterKey, "register-key", "^[A-Za-z0-9][A-Za-z0-9._-]*$", "skole-ved-aaen", b'A'..=b'Z' | b'.' | b'_',
    "A key: letters a to z, digits, hyphens, full stops and underscores, the first a letter or digit, at most 100, not shaped like a UUID."
}

impl From<Key> for RegisterKey {
    fn from(key: Key) -> Self {
        Self(key.0)
    }
}

/// How a body or an address names another row: by UUID, or by a path of one to three keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Reference {
    /// By the id that the service gave.
    Id(Id),
    /// By key, or by `area/objective` or `strategy/area/objective`.
    Path(Vec<RegisterKey>),
}

impl Reference {
    /// What a faulty reference is answered with.
    pub const EXPECTED: &'static str =
        "is not a reference: write a key, keys joined by '/' such as area/objective, or a UUID";
}

impl Reference {
    /// The key, where the reference is a single one.
    pub fn key(&self) -> Option<&RegisterKey> {
        match self {
            Self::Path(keys) if keys.len() == 1 => keys.first(),
            _ => None,
        }
    }

    /// Whether it names the row with this id and key.
    pub fn names(&self, id: Id, key: &RegisterKey) -> bool {
        match self {
            Self::Id(named) => *named == id,
            Self::Path(keys) => keys.as_slice() == std::slice::from_ref(key),
        }
    }

    /// The plainest way to write `path` in a place under `base`: without the keys both begin with.
    pub fn shortest(path: &[RegisterKey], base: &[RegisterKey]) -> Self {
        let most = path.len().saturating_sub(1);
        let common = path.iter().zip(base).take(most).take_while(|(a, b)| a == b).count();
        Self::Path(path[common..].to_vec())
    }

    /// The whole path, `depth` keys long, of what is written as `path` in a place under `base`.
    pub fn expand(path: &[RegisterKey], base: &[RegisterKey], depth: usize) -> Option<Vec<RegisterKey>> {
        let missing = depth.checked_sub(path.len())?;
        Some([base.get(..missing)?, path].concat())
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Path(keys) => {
                for (n, key) in keys.iter().enumerate() {
                    f.write_str(if n == 0 { "" } else { "/" })?;
                    key.fmt(f)?;
                }
                Ok(())
            }
        }
    }
}

impl FromStr for Reference {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        let keys: Result<Vec<_>, _> = text.split('/').map(str::parse).collect();
        match keys {
            Ok(keys) if keys.len() <= 3 => Ok(Self::Path(keys)),
            _ => Err(Self::EXPECTED),
        }
    }
}

crate::sent_as_text!(Reference);

impl From<Key> for Reference {
    fn from(key: Key) -> Self {
        Self::Path(vec![key.into()])
    }
}

impl From<RegisterKey> for Reference {
    fn from(key: RegisterKey) -> Self {
        Self::Path(vec![key])
    }
}

impl utoipa::PartialSchema for Reference {
    fn schema() -> RefOr<Schema> {
        // A UUID has the letters of a key too.
        let key = format!("[A-Za-z0-9][A-Za-z0-9._-]{{0,{}}}", KEY_LENGTH - 1);
        string_schema(
            "reference",
            "Names another row: by its key, by keys joined by '/' (`area/objective` within the strategy, \
             `strategy/area` or `strategy/area/objective` in the municipality), or by its UUID. Answers use the \
             shortest path of keys.",
        )
        .pattern(Some(format!("^{key}(/{key}){{0,2}}$")))
        .max_length(Some(3 * KEY_LENGTH + 2))
        .into()
    }
}

impl utoipa::ToSchema for Reference {}

/// A moment in UTC, to the microsecond, which is what both engines keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = SqlTimestamp)]
pub struct Timestamp(NaiveDateTime);

impl Timestamp {
    /// The present moment.
    pub fn now() -> Self {
        Self(Utc::now().naive_utc().trunc_subsecs(6))
    }

    /// The next moment that can be told from this one.
    pub fn next(self) -> Self {
        Self(self.0.checked_add_signed(chrono::TimeDelta::microseconds(1)).unwrap_or(self.0))
    }

    /// The day in Denmark.
    pub fn day(self) -> NaiveDate {
        self.0.and_utc().with_timezone(&chrono_tz::Europe::Copenhagen).date_naive()
    }

    /// The moment at which a day begins in Denmark.
    pub fn beginning_of(day: NaiveDate) -> Self {
        // Clocks are never changed at midnight there; where a calendar disagreed, UTC would be an hour or two off.
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
        // Years of other lengths would not compare as SQLite compares.
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

/// A value that is kept whole, as JSON in a text column, because nothing ever asks for a part of it.
#[derive(Debug, Clone, PartialEq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct Json<T>(pub T);

impl<T, DB> FromSql<Text, DB> for Json<T>
where
    T: DeserializeOwned,
    DB: Backend,
    String: FromSql<Text, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<Text, DB>>::from_sql(bytes)?;
        Ok(Self(serde_json::from_str(&text)?))
    }
}

impl<T: Serialize + fmt::Debug> ToSql<Text, Pg> for Json<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        serde_json::to_writer(out, &self.0)?;
        Ok(IsNull::No)
    }
}

impl<T: Serialize + fmt::Debug> ToSql<Text, Sqlite> for Json<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(serde_json::to_string(&self.0)?);
        Ok(IsNull::No)
    }
}

impl<T: Serialize + fmt::Debug + Send + Sync + 'static> ToSql<Text, MultiBackend> for Json<T>
where
    Json<T>: ToSql<Text, Pg> + ToSql<Text, Sqlite>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((Text, self));
        Ok(IsNull::No)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_slugs_that_no_uuid_can_be_mistaken_for() {
        for good in ["a", "0", "plan-2025", "a--b", "0193a5b0"] {
            assert!(good.parse::<Key>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "-a",
            "A",
            "a b",
            "å",
            "a_b",
            "a.b",
            "a/b",
            "a\0",
            "0193a5b0-6c1e-7d3a-9f5e-2b8c4d6e8f01",
            "0193a5b06c1e7d3a9f5e2b8c4d6e8f01",
        ] {
            assert!(bad.parse::<Key>().is_err(), "{bad}");
        }
        assert!("a".repeat(KEY_LENGTH).parse::<Key>().is_ok());
        assert!("a".repeat(KEY_LENGTH + 1).parse::<Key>().is_err());
        assert!("OS2.skole_7".parse::<RegisterKey>().is_ok());
        assert!(".a".parse::<RegisterKey>().is_err());
        assert!("0193A5B0-6C1E-7D3A-9F5E-2B8C4D6E8F01".parse::<RegisterKey>().is_err());
    }

    #[test]
    fn references_are_ids_or_paths() {
        assert!(matches!("0193a5b0-6c1e-7d3a-9f5e-2b8c4d6e8f01".parse(), Ok(Reference::Id(_))));
        assert!(matches!("a/b/c".parse(), Ok(Reference::Path(keys)) if keys.len() == 3));
        for bad in ["", "/", "a/", "/a", "a//b", "a/b/c/d", "a b"] {
            assert!(bad.parse::<Reference>().is_err(), "{bad}");
        }
    }

    #[test]
    fn references_are_read_and_written_from_where_they_stand() {
        let keys = |path: &str| path.split('/').map(|key| key.parse().unwrap()).collect::<Vec<RegisterKey>>();
        for (path, base, written) in [
            ("s/a/x", "s/a", "x"),
            ("s/a/x", "s/b", "a/x"),
            ("s/a/x", "t/a", "s/a/x"),
            ("s/a", "s/b", "a"),
            ("s/a", "t", "s/a"),
        ] {
            let reference = Reference::shortest(&keys(path), &keys(base));
            assert_eq!(reference.to_string(), written);
            let depth = keys(path).len();
            assert_eq!(Reference::expand(&keys(written), &keys(base), depth).unwrap(), keys(path));
        }
        assert_eq!(Reference::expand(&keys("a/b/c"), &keys("s"), 2), None);
        assert_eq!(Reference::expand(&keys("x"), &keys("s"), 3), None);
    }

    #[test]
    fn moments_are_written_with_six_digits() {
        assert!(Timestamp::now().to_string().ends_with('Z'));
        assert_eq!(Timestamp::now().to_string().len(), "2025-01-31T08:15:30.123456Z".len());
    }
}
