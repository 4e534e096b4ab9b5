//! The language of an answer: negotiated from `Accept-Language`, declared by `Content-Language`.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{self, AcceptLanguage, Header as _, HeaderValue, Preference};
use actix_web::{FromRequest, HttpRequest, HttpResponse};

use super::entity_tag::vary_by;
use crate::language::Language;
use crate::problem::Problem;

impl Language {
    /// Declares in an answer that it is written in this language, and that another could be had.
    pub fn mark(self, answer: &mut HttpResponse) {
        answer.headers_mut().insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(self.tag()));
        vary_by(answer, "accept-language");
    }

    /// The best of the languages that the client accepts.
    fn negotiate(request: &HttpRequest) -> Self {
        let ranked = AcceptLanguage::parse(request).map(|accepted| accepted.ranked()).unwrap_or_default();
        let accepted = ranked.iter().find_map(|preference| match preference {
            Preference::Any => Some(Self::default()),
            Preference::Specific(tag) => Self::from_tag(tag.primary_language()),
        });
        accepted.unwrap_or_default()
    }
}

impl FromRequest for Language {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::negotiate(request)))
    }
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
    fn the_best_accepted_language_is_taken() {
        for (header, expected) in [
            ("en", "en"),
            ("en-GB, da;q=0.5", "en"),
            ("de, da;q=0.7, en;q=0.3", "da"),
            ("de", "da"),
            ("*", "da"),
            ("", "da"),
        ] {
            let request = TestRequest::default().insert_header(("accept-language", header)).to_http_request();
            assert_eq!(Language::negotiate(&request).tag(), expected, "{header}");
        }
        assert_eq!(Language::negotiate(&TestRequest::default().to_http_request()).tag(), "da");
    }
}
