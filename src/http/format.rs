//! The forms that answers come in: their names in `?format=`, their media types, and which operation offers which.

use std::result::Result;

use actix_web::HttpRequest;
use actix_web::http::header::{Accept, Header as _};
use serde::Deserialize;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// In which form an answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON.
    Json,
    /// A table: CSV with commas and decimal points.
    Csv,
    /// A table for a Danish Excel: CSV with semicolons and decimal commas.
    CsvExcelDa,
    /// A cube.
    JsonStat,
    /// A picture.
    Svg,
}

impl Format {
    /// Its name in the query, its media type, and what the contract says of it.
    const fn entry(self) -> (&'static str, &'static str, &'static str) {
        const CSV: &str = "text/csv; charset=utf-8; header=present";
        const EXCEL: &str = "Every row as CSV for a Danish Excel: semicolons, decimal commas, a byte order mark.";
        const CUBE: &str = "A cube of at most a million cells: JSON-stat 2.0.";
        match self {
            Self::Json => ("json", "application/json", "JSON; a list comes in pages."),
            Self::Csv => ("csv", CSV, "Every row as CSV: commas, decimal points, UTF-8."),
            Self::CsvExcelDa => ("csv-excel-da", CSV, EXCEL),
            Self::JsonStat => ("json-stat", "application/vnd.json-stat+json", CUBE),
            Self::Svg => ("svg", "image/svg+xml", "A picture."),
        }
    }

    /// Its name in the query.
    pub fn as_str(self) -> &'static str {
        self.entry().0
    }

    /// The media type of such an answer.
    pub fn media_type(self) -> &'static str {
        self.entry().1
    }
}

/// The form that `Accept` prefers among those offered, JSON if it names none of them. A picture comes only if the query
/// asks for it: browsers accept images of this type whenever they accept images.
fn accepted(request: &HttpRequest, offered: &[Format]) -> Format {
    let ranked = Accept::parse(request).map(|accept| accept.ranked()).unwrap_or_default();
    let known = ranked.iter().find_map(|media| match media.essence_str() {
        "application/json" | "application/*" | "*/*" => Some(Format::Json),
        "text/csv" => Some(Format::Csv),
        "application/vnd.json-stat+json" => Some(Format::JsonStat),
        _ => None,
    });
    known.filter(|format| offered.contains(format)).unwrap_or(Format::Json)
}

/// Declares what an operation's query parameter `format` may say.
macro_rules! offers {
    ($($(#[doc = $doc:literal])* $name:ident, in the contract $schema:literal: $($format:ident)+;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Format);

        impl $name {
            const OFFERED: &'static [Format] = &[$(Format::$format),+];

            /// The form that the query names, or else the one that `Accept` prefers.
            pub fn negotiate(requested: Option<Self>, request: &HttpRequest) -> Format {
                requested.map_or_else(|| accepted(request, Self::OFFERED), Format::from)
            }
        }

        impl From<$name> for Format {
            fn from(requested: $name) -> Self {
                requested.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(word: String) -> Result<Self, String> {
                find(&word, Self::OFFERED).map(Self)
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                schema(concat!($($doc),*), Self::OFFERED)
            }
        }

        impl ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                $schema.into()
            }
        }
    )*};
}

offers! {
    /// In which form a list is answered.
    ListFormat, in the contract "Format": Json Csv CsvExcelDa;
    /// In which form progress is answered. The picture is a bar by stage, readable at a width of 320 pixels.
    ProgressFormat, in the contract "ProgressFormat": Json Svg;
    /// In which form values are answered. The picture shows one series: one unit's, or the municipality's; one group's,
    /// or everybody's.
    ValueFormat, in the contract "ValueFormat": Json Csv CsvExcelDa JsonStat Svg;
    /// In which form values of several indicators are answered.
    ValuesFormat, in the contract "ValuesFormat": Json Csv CsvExcelDa JsonStat;
}

fn find(word: &str, offered: &[Format]) -> Result<Format, String> {
    let found = offered.iter().find(|format| format.as_str() == word).copied();
    found.ok_or_else(|| {
        let words: Vec<&str> = offered.iter().map(|format| format.as_str()).collect();
        format!("write one of: {}", words.join(", "))
    })
}

/// The words that an operation takes, each with its meaning.
fn schema(description: &str, offered: &[Format]) -> RefOr<Schema> {
    let meanings = offered.iter().map(|format| format!("- `{}`: {}", format.as_str(), format.entry().2));
    let meanings = meanings.collect::<Vec<_>>().join("\n");
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(format!("{}\n\n{meanings}", description.trim())))
        .enum_values(Some(offered.iter().map(|format| format.as_str())))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn the_query_beats_the_header() {
        let list = |requested: Option<&str>, accept: &str| {
            let request = TestRequest::default().insert_header(("accept", accept)).to_http_request();
            let requested = requested.map(|word| ListFormat::try_from(word.to_owned()).unwrap());
            ListFormat::negotiate(requested, &request)
        };
        assert_eq!(list(None, "text/csv"), Format::Csv);
        assert_eq!(list(None, "text/csv;q=0.5, application/json"), Format::Json);
        assert_eq!(list(None, "text/html, */*;q=0.1"), Format::Json);
        assert_eq!(list(None, "application/vnd.json-stat+json"), Format::Json);
        assert_eq!(list(Some("json"), "text/csv"), Format::Json);
        assert_eq!(list(Some("csv-excel-da"), "*/*"), Format::CsvExcelDa);
    }

    #[test]
    fn an_operation_takes_only_what_it_offers() {
        assert_eq!(ProgressFormat::try_from("csv".to_owned()), Err("write one of: json, svg".to_owned()));
        let request = TestRequest::default().insert_header(("accept", "image/svg+xml, */*")).to_http_request();
        assert_eq!(ValueFormat::negotiate(None, &request), Format::Json);
        let request = TestRequest::default().insert_header(("accept", "application/vnd.json-stat+json"));
        assert_eq!(ValuesFormat::negotiate(None, &request.to_http_request()), Format::JsonStat);
    }
}
