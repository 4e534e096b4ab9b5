//! Figures in words, ready to show.

use chrono::NaiveDate;

use super::picture::{Words, number};
use crate::action::assignment::figures::Figures;
use crate::action::assignment::model::{Addressed, Party};
use crate::action::assignment::stage::Stage;
use crate::http::language::{Language, written_day};

/// What is counted: parties, where each has a single assignment, else assignments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Committees.
    Committees,
    /// Units.
    Units,
    /// Assignments.
    Assignments,
}

impl Counted {
    /// Who has to do one occurrence of an action.
    pub fn parties(action: &Addressed) -> Self {
        let units = action.named.iter().filter(|member| matches!(member.party, Party::Unit(_))).count();
        match (units, action.named.len() - units + action.level_ids.len()) {
            (0, _) => Self::Committees,
            (_, 0) => Self::Units,
            _ => Self::Assignments,
        }
    }

    fn noun(self, language: Language, many: bool) -> &'static str {
        let (one, more) = match (self, language) {
            (Self::Committees, Language::Danish) => ("udvalg", "udvalg"),
            (Self::Units, Language::Danish) => ("enhed", "enheder"),
            (Self::Assignments, Language::Danish) => ("opgave", "opgaver"),
            (Self::Committees, Language::English) => ("committee", "committees"),
            (Self::Units, Language::English) => ("unit", "units"),
            (Self::Assignments, Language::English) => ("assignment", "assignments"),
        };
        if many { more } else { one }
    }
}

/// "37 af 52 udvalg er i mål".
pub fn label(figures: &Figures, counted: Counted, language: Language) -> String {
    if figures.expected == 0 {
        return nothing(language).to_owned();
    }
    let written = |count| number(count, language.tag());
    let (done, expected) = (written(figures.at(Stage::Done)), written(figures.expected));
    let noun = counted.noun(language, figures.expected != 1);
    match language {
        Language::Danish => format!("{done} af {expected} {noun} er i mål"),
        Language::English => {
            format!("{done} of {expected} {noun} {} done", if figures.expected == 1 { "is" } else { "are" })
        }
    }
}

/// What is said where nothing is expected.
pub fn nothing(language: Language) -> &'static str {
    language.pick("Der er intet at gøre endnu", "Nothing is to be done yet")
}

/// The words of a picture.
pub fn words(language: Language) -> Words<'static> {
    Words {
        language: language.tag(),
        stages: language
            .pick(["I mål", "I gang", "Ikke begyndt", "Opgivet"], ["Done", "In progress", "Not started", "Dropped"]),
        nothing: nothing(language),
    }
}

/// "pr. 22. november 2026".
pub fn as_of(day: NaiveDate, language: Language) -> String {
    format!("{} {}", language.pick("pr.", "as of"), written_day(day, language))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sentences() {
        let figures = |done, expected: u64| {
            let mut figures = Figures::expecting(expected);
            figures.count(Stage::Done, done);
            figures
        };
        let say = |done, expected, counted, language| label(&figures(done, expected), counted, language);
        let (danish, english) = (Language::Danish, Language::English);
        assert_eq!(say(37, 52, Counted::Committees, danish), "37 af 52 udvalg er i mål");
        assert_eq!(say(0, 1, Counted::Assignments, danish), "0 af 1 opgave er i mål");
        assert_eq!(say(1, 1, Counted::Units, english), "1 of 1 unit is done");
        assert_eq!(say(1, 2, Counted::Assignments, english), "1 of 2 assignments are done");
        assert_eq!(say(0, 0, Counted::Committees, danish), "Der er intet at gøre endnu");
        assert_eq!(as_of("2026-11-22".parse().unwrap(), danish), "pr. 22. november 2026");
    }
}
