//! The picture of an indicator: one self-contained SVG of its series over time.
//!
//! No line is distinguished by its colour alone: each has dashes and marks of its own, named in the legend. A period
//! without a value is a gap, one whose value is hidden is hatched below the axis, and a provisional value is a hollow
//! mark. `plot` draws the axes and what is between them, `legend` what stands below.

mod legend;
mod plot;

#[cfg(test)]
mod tests;

use std::fmt;

use askama::Template;

use super::number::is_storable;
use crate::chart::label_placement::Position;
use crate::chart::style::{CHART, INK, PAPER, QUIET, SENTENCE, SUBTITLE, TITLE};
use crate::chart::typesetting::{clean, wrap};
use crate::chart::{CONTENT_WIDTH, Canvas, Description, Document};
use crate::language::Language;

/// A picture: the values of one unit, with what they are compared to.
///
/// Its `Display` form is the SVG document. What is drawn depends on these fields alone, to the byte.
#[derive(Debug, Clone)]
pub struct Picture<'a> {
    /// What is measured; at most two lines of it are shown.
    pub title: &'a str,
    /// The line below the title and right above the axis, such as unit of measure and source: `dage pr. ansat. Kilde:
    /// lønsystemet`. At most two lines of it are shown; left out where it is empty.
    pub subtitle: &'a str,
    /// All periods of the horizontal axis, in order, those without a value included.
    pub periods: Vec<String>,
    /// The values of the unit.
    pub own: Line<'a>,
    /// The values of others.
    pub benchmarks: Vec<Line<'a>>,
    /// The targets that are one number.
    pub targets: Vec<TargetMark<'a>>,
    /// How many decimals numbers have; none = as many as it takes.
    pub decimals: Option<i32>,
    /// The language of the picture's words and numbers.
    pub language: Language,
}

/// A series of values.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    /// Whose values they are: `Hele kommunen`.
    pub name: &'a str,
    /// One for each of [`Picture::periods`], in their order.
    pub points: Vec<Point>,
}

/// What is known of one period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Point {
    /// Nothing: a gap in the line.
    Missing,
    /// There is a value that isn't shown, since it is about too few people.
    Hidden,
    /// A value.
    Value {
        /// The number; one that no indicator can have counts as missing.
        value: f64,
        /// Whether it may still change.
        is_provisional: bool,
    },
}

/// A target: a dashed line across all periods.
#[derive(Debug, Clone, Copy)]
pub struct TargetMark<'a> {
    /// Its name: `Mål 2025: højst 0`. Where the number isn't part of it, it is added.
    pub name: &'a str,
    /// The number; there is no mark for one that no indicator can have.
    pub value: f64,
}

impl fmt::Display for Picture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let description = self.description();
        let mut canvas = Canvas::new();
        canvas.draw_text(&wrap(&description.title, TITLE, CONTENT_WIDTH, 2), TITLE, INK)?;
        canvas.draw_text(&wrap(&clean(self.subtitle), SUBTITLE, CONTENT_WIDTH, 2), SUBTITLE, QUIET)?;
        if self.points(&self.own).iter().all(|point| *point != Point::Hidden && point.value().is_none()) {
            canvas.y += 10;
            let nothing = self.language.text("chart-nothing");
            canvas.draw_text(&wrap(&nothing, SENTENCE, CONTENT_WIDTH, 2), SENTENCE, INK)?;
        }
        let unlabelled = plot::draw(self, &mut canvas, &description.id)?;
        legend::draw(self, &unlabelled, &mut canvas, &description.id)?;
        let hatching = Hatching { id: &description.id }.to_string();
        write!(f, "{}", Document::new(&description, &CHART, &hatching, &canvas))
    }
}

/// The pattern of hidden periods.
#[derive(Template)]
#[template(path = "indicator/picture/templates/hatching.svg")]
struct Hatching<'a> {
    id: &'a str,
}

/// The height of a block of hidden periods.
const HIDDEN_HEIGHT: f64 = 7.0;

/// A block of hidden periods, on a background of its own, so that no tick goes through it.
#[derive(Template)]
#[template(path = "indicator/picture/templates/hidden.svg")]
struct HiddenBlock<'a> {
    id: &'a str,
    /// The left edge, in the middle of the height.
    at: Position,
    width: f64,
}

impl Picture<'_> {
    /// All that the picture shows, as sentences.
    fn description(&self) -> Description {
        let mut sentences = vec![clean(self.subtitle)];
        for line in std::iter::once(&self.own).chain(&self.benchmarks) {
            let (name, values) = (clean(line.name), self.describe(line));
            let values = if values.is_empty() { self.language.text("chart-nothing") } else { values };
            let colon = if name.is_empty() { "" } else { ": " };
            sentences.push(format!("{name}{colon}{values}"));
        }
        sentences.extend(self.targets().map(|(_, target)| self.label(target)));
        Description::new(self.language, clean(self.title), &sentences)
    }

    /// A line's points, of which those beyond the periods don't count.
    fn points<'l>(&self, line: &'l Line<'_>) -> &'l [Point] {
        line.points.get(..self.periods.len()).unwrap_or(&line.points)
    }

    fn has_hidden(&self) -> bool {
        self.points(&self.own).contains(&Point::Hidden)
    }

    /// A line's values, each with its period.
    fn describe(&self, line: &Line<'_>) -> String {
        let values = self.periods.iter().zip(self.points(line)).filter_map(|(period, point)| {
            let value = match point.value() {
                Some((value, false)) => self.number(value),
                Some((value, true)) => format!("{} ({})", self.number(value), self.language.text("chart-provisional")),
                None if *point == Point::Hidden => self.language.text("chart-hidden"),
                None => return None,
            };
            Some(format!("{}: {value}", clean(period)))
        });
        values.collect::<Vec<_>>().join("; ")
    }

    /// The targets with a number that an indicator can have, and their indices.
    fn targets(&self) -> impl Iterator<Item = (usize, &TargetMark<'_>)> {
        self.targets.iter().enumerate().filter(|(_, target)| is_storable(target.value))
    }

    /// What is said about a target, its number included.
    fn label(&self, target: &TargetMark<'_>) -> String {
        let name = clean(target.name);
        let number = self.number(target.value);
        let shortest = self.language.number(target.value, None);
        let names_number = name
            .split(|letter: char| !letter.is_ascii_digit() && !matches!(letter, '.' | ',' | '-'))
            .map(|word| word.trim_end_matches(['.', ',']))
            .any(|word| word == number || word == shortest);
        match (name.as_str(), names_number) {
            (_, true) => name,
            ("", false) => number,
            (name, false) => format!("{}: {number}", name.trim_end_matches(':')),
        }
    }

    fn number(&self, value: f64) -> String {
        self.language.number(value, self.decimals)
    }
}

impl Point {
    /// The value, and whether it is provisional.
    fn value(self) -> Option<(f64, bool)> {
        match self {
            Self::Value { value, is_provisional } if is_storable(value) => Some((value, is_provisional)),
            _ => None,
        }
    }
}
