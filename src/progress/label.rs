//! Counts as sentences to show.

use chrono::NaiveDate;

use crate::action::assignment::model::{ActionWithAssignees, Assignee};
use crate::action::assignment::stage::Stage;
use crate::action::assignment::stage_counts::StageCounts;
use crate::language::Language;

/// What a label counts: committees or units if each has a single assignment, else assignments.
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
    /// What the assignments of one occurrence of an action are counted as.
    pub fn parties(action: &ActionWithAssignees) -> Self {
        let units = action.named.iter().filter(|member| matches!(member.assignee, Assignee::Unit(_))).count();
        match (units, action.named.len() - units + action.level_ids.len()) {
            (0, _) => Self::Committees,
            (_, 0) => Self::Units,
            _ => Self::Assignments,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Committees => "committees",
            Self::Units => "units",
            Self::Assignments => "assignments",
        }
    }
}

/// "37 af 52 udvalg er i mål"
pub fn label(figures: &StageCounts, counted: Counted, language: Language) -> String {
    if figures.expected == 0 {
        return language.text("progress-nothing");
    }
    let variables = [
        ("done", language.count(figures.at(Stage::Done)).into()),
        ("expected", language.count(figures.expected).into()),
        ("number", figures.expected.into()),
        ("counted", counted.name().into()),
    ];
    language.format("progress-label", &variables)
}

/// "pr. 22. november 2026"
pub fn as_of(day: NaiveDate, language: Language) -> String {
    language.format("progress-as-of", &[("day", language.day(day).into())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sentences() {
        let figures = |done, expected: u64| {
            let mut figures = StageCounts::expecting(expected);
            figures.count(Stage::Done, done);
            figures
        };
        let say = |done, expected, counted, language| label(&figures(done, expected), counted, language);
        let (danish, english) = (Language::default(), Language::from_tag("en").unwrap());
        assert_eq!(say(37, 52, Counted::Committees, danish), "37 af 52 udvalg er i mål");
        assert_eq!(say(0, 1, Counted::Assignments, danish), "0 af 1 opgave er i mål");
        assert_eq!(say(1, 1, Counted::Units, english), "1 of 1 unit is done");
        assert_eq!(say(1, 2, Counted::Assignments, english), "1 of 2 assignments are done");
        assert_eq!(say(0, 0, Counted::Committees, danish), "Der er intet at gøre endnu");
        assert_eq!(as_of("2026-11-22".parse().unwrap(), danish), "pr. 22. november 2026");
    }
}
