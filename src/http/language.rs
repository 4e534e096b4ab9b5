//! The language of texts that the service itself writes: Danish, or English where the client asks for it.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{self, AcceptLanguage, Header as _, HeaderValue, Preference};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use chrono::{Datelike, NaiveDate};

use super::entity_tag::vary_by;
use crate::problem::Problem;

/// A language that answers are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Danish, unless asked otherwise.
    Danish,
    /// English.
    English,
}

impl Language {
    /// Its tag (RFC 5646).
    pub fn tag(self) -> &'static str {
        match self {
            Self::Danish => "da",
            Self::English => "en",
        }
    }

    /// The text in this language.
    pub fn pick<T>(self, danish: T, english: T) -> T {
        match self {
            Self::Danish => danish,
            Self::English => english,
        }
    }

    /// Says in an answer that it is written in this language, and that another was to be had.
    pub fn mark(self, answer: &mut HttpResponse) {
        answer.headers_mut().insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(self.tag()));
        vary_by(answer, "accept-language");
    }

    fn wanted(request: &HttpRequest) -> Self {
        let ranked = AcceptLanguage::parse(request).map(|accepted| accepted.ranked()).unwrap_or_default();
        let known = ranked.iter().find_map(|preference| match preference {
            Preference::Any => Some(Self::Danish),
            Preference::Specific(tag) => match tag.primary_language() {
                "da" => Some(Self::Danish),
                "en" => Some(Self::English),
                _ => None,
            },
        });
        known.unwrap_or(Self::Danish)
    }
}

impl FromRequest for Language {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::wanted(request)))
    }
}

/// "22. november 2026".
pub fn written_day(day: NaiveDate, language: Language) -> String {
    let (number, month, year) = (day.day(), month(day, language), day.year());
    match language {
        Language::Danish => format!("{number}. {month} {year}"),
        Language::English => format!("{number} {month} {year}"),
    }
}

/// The name of the month that a day lies in.
pub fn month(day: NaiveDate, language: Language) -> &'static str {
    const MONTHS: [(&str, &str); 12] = [
        ("januar", "January"),
        ("februar", "February"),
        ("marts", "March"),
        ("april", "April"),
        ("maj", "May"),
        ("juni", "June"),
        ("juli", "July"),
        ("august", "August"),
        ("september", "September"),
        ("oktober", "October"),
        ("november", "November"),
        ("december", "December"),
    ];
    let (danish, english) = MONTHS[day.month0() as usize];
    language.pick(danish, english)
}

/// `Accept-Language`, for the contract; handlers take a [`Language`].
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code)]
pub struct LanguageHeader {
    /// The language of the texts that the service writes: `da` or `en`.
    #[param(rename = "Accept-Language", required = false, example = "da")]
    accept_language: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn the_best_language_that_is_known_is_taken() {
        for (header, expected) in [
            ("en", Language::English),
            ("en-GB, da;q=0.5", Language::English),
            ("de, da;q=0.7, en;q=0.3", Language::Danish),
            ("de", Language::Danish),
            ("*", Language::Danish),
            ("", Language::Danish),
        ] {
            let request = TestRequest::default().insert_header(("accept-language", header)).to_http_request();
            assert_eq!(Language::wanted(&request), expected, "{header}");
        }
        assert_eq!(Language::wanted(&TestRequest::default().to_http_request()), Language::Danish);
    }

    #[test]
    fn days_are_written_with_the_month_in_words() {
        let day = "2026-05-07".parse().unwrap();
        assert_eq!(written_day(day, Language::Danish), "7. maj 2026");
        assert_eq!(written_day(day, Language::English), "7 May 2026");
    }
}
