//! The picture of an indicator: one self-contained SVG of its series over time.
//!
//! It is drawn for a widget of 320 px, on paper of its own, light or dark as the reader prefers. No line is told by
//! its colour alone: each has dashes and marks of its own, named in the legend. A period without a value is a gap, one
//! whose value is hidden is hatched below the axis, and a provisional value is a hollow mark. The title and the
//! description hold all of it in words. Nothing in it runs, and nothing is fetched.
//!
//! `scale` chooses the numbers at the vertical axis, `periods` the periods named at the horizontal one, `room`
//! finds places for texts amid the lines; `plot` draws all that, and `legend` what stands below.

mod legend;
mod look;
mod periods;
mod plot;
mod room;
mod scale;

#[cfg(test)]
mod tests;

use std::fmt;

use super::number::is_storable;
use crate::language::Language;
use crate::svg::{self, Document, LIGHT, ROOM, SUBTITLE, Sheet, TITLE, clean, tell, wrap};

/// A picture: the values of one unit, with what they are compared to.
///
/// Its `Display` form is the SVG document. What is drawn depends on these fields alone, to the byte.
#[derive(Debug, Clone)]
pub struct Picture<'a> {
    /// What is measured; wrapped, and cut after two lines.
    pub title: &'a str,
    /// The line below the title and right above the axis, such as unit of measure and source: `dage pr. ansat. Kilde:
    /// lønsystemet`. Wrapped, and cut after two lines; left out where it is empty.
    pub subtitle: &'a str,
    /// All periods of the horizontal axis, in order, those without a value included.
    pub periods: Vec<String>,
    /// The values that it is about.
    pub own: Line<'a>,
    /// What others have.
    pub benchmarks: Vec<Line<'a>>,
    /// The goals that are one number.
    pub targets: Vec<TargetMark<'a>>,
    /// How many decimals numbers have; as many as it takes where nothing is said.
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
    /// There is a value that isn't told, since it is about too few people.
    Hidden,
    /// A value.
    Value {
        /// The number; one that no indicator can have counts as missing.
        value: f64,
        /// Whether it may still change.
        is_provisional: bool,
    },
}

/// A goal: a dashed line across all periods.
#[derive(Debug, Clone, Copy)]
pub struct TargetMark<'a> {
    /// What is said about it: `Mål 2025: højst 0`. Where the number isn't part of it, it is added.
    pub name: &'a str,
    /// The number; there is no mark for one that no indicator can have.
    pub value: f64,
}

impl fmt::Display for Picture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = clean(self.title);
        let description = self.description();
        let language = self.language.tag();
        let id = svg::id(&title, &description, language);
        let mut sheet = Sheet::new();
        sheet.lines(&wrap(&title, TITLE, ROOM, 2), TITLE, "ink", LIGHT.ink)?;
        sheet.lines(&wrap(&clean(self.subtitle), SUBTITLE, ROOM, 2), SUBTITLE, "quiet", LIGHT.quiet)?;
        if self.points(&self.own).iter().all(|point| *point != Point::Hidden && point.value().is_none()) {
            sheet.y += 10;
            sheet.lines(
                &wrap(&self.language.text("chart-nothing"), look::REMARK, ROOM, 2),
                look::REMARK,
                "ink",
                LIGHT.ink,
            )?;
        }
        let unlabelled = plot::draw(self, &mut sheet, &id)?;
        legend::draw(self, &unlabelled, &mut sheet, &id)?;
        let document = Document {
            id: &id,
            language,
            title: &title,
            description: &description,
            height: sheet.height(),
            dark: &look::DARK_COLOURS,
            definitions: &look::hatching(&id),
            body: &sheet.body,
        };
        document.fmt(f)
    }
}

impl Picture<'_> {
    /// All that the picture shows, as sentences.
    fn description(&self) -> String {
        let mut told = String::new();
        tell(&mut told, &clean(self.subtitle));
        for line in std::iter::once(&self.own).chain(&self.benchmarks) {
            let name = clean(line.name);
            let values = self.told(line);
            let values = if values.is_empty() { self.language.text("chart-nothing") } else { values };
            let colon = if name.is_empty() || values.is_empty() { "" } else { ": " };
            tell(&mut told, &format!("{name}{colon}{values}"));
        }
        for (_, target) in self.targets() {
            tell(&mut told, &self.label(target));
        }
        told
    }

    /// What is known of the periods, in a line; nothing else counts.
    fn points<'l>(&self, line: &'l Line<'_>) -> &'l [Point] {
        line.points.get(..self.periods.len()).unwrap_or(&line.points)
    }

    fn has_hidden(&self) -> bool {
        self.points(&self.own).contains(&Point::Hidden)
    }

    /// A line's values, each with its period.
    fn told(&self, line: &Line<'_>) -> String {
        let told = self.periods.iter().zip(self.points(line)).filter_map(|(period, point)| {
            let told = match point.value() {
                Some((value, false)) => self.written(value),
                Some((value, true)) => format!("{} ({})", self.written(value), self.language.text("chart-provisional")),
                None if *point == Point::Hidden => self.language.text("chart-hidden"),
                None => return None,
            };
            Some(format!("{}: {told}", clean(period)))
        });
        told.collect::<Vec<_>>().join("; ")
    }

    /// The targets with a number that an indicator can have, and their places among all.
    fn targets(&self) -> impl Iterator<Item = (usize, &TargetMark<'_>)> {
        self.targets.iter().enumerate().filter(|(_, target)| is_storable(target.value))
    }

    /// What is said about a target, its number included.
    fn label(&self, target: &TargetMark<'_>) -> String {
        let name = clean(target.name);
        let number = self.written(target.value);
        let shortest = self.language.number(target.value, None);
        let is_told = name
            .split(|letter: char| !letter.is_ascii_digit() && !matches!(letter, '.' | ',' | '-'))
            .map(|word| word.trim_end_matches(['.', ',']))
            .any(|word| word == number || word == shortest);
        match (name.as_str(), is_told) {
            (_, true) => name,
            ("", false) => number,
            (name, false) => format!("{}: {number}", name.trim_end_matches(':')),
        }
    }

    fn written(&self, value: f64) -> String {
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
