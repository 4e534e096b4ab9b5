//! What stands below the plot: which line and which mark means what.

use std::borrow::Borrow;
use std::fmt;

use askama::Template;

use super::{HiddenBlock, Picture, Point};
use crate::chart::label_placement::Position;
use crate::chart::style::{
    INK, LEGEND, Mark, OUTLINE, OWN_SERIES, QUIET, SeriesStyle, Shape, Stroke, benchmark_series, target_stroke,
};
use crate::chart::typesetting::{Wrapped, clean, width, wrap};
use crate::chart::{CONTENT_WIDTH, Canvas, MARGIN, WIDTH};

/// The width of a sample.
const SAMPLE: u32 = 24;
/// From a sample's left edge to the text beside it.
const SAMPLE_ROOM: u32 = SAMPLE + 6;
/// Between two entries beside each other.
const GAP: u32 = 12;
/// The radius of a sample's mark.
const RADIUS: f64 = 3.5;

/// What is explained.
#[derive(Clone, Copy)]
enum Kind {
    Series(SeriesStyle),
    Target(Stroke),
    Hidden,
    Provisional,
}

/// A sample of what a name means.
#[derive(Template)]
#[template(path = "indicator/picture/templates/sample.svg")]
struct Sample<'a> {
    kind: Kind,
    /// The left edge, in the middle of the height.
    at: Position,
    id: &'a str,
}

impl Sample<'_> {
    fn right(&self) -> f64 {
        self.at.x + f64::from(SAMPLE)
    }

    /// The mark in the middle of the sample.
    fn mark(&self, shape: impl Borrow<Shape>) -> Mark {
        Mark {
            shape: *shape.borrow(),
            at: Position { x: self.at.x + f64::from(SAMPLE) / 2.0, ..self.at },
            radius: RADIUS,
        }
    }

    fn hidden_block(&self) -> HiddenBlock<'_> {
        HiddenBlock { id: self.id, at: Position { x: self.at.x + 4.0, ..self.at }, width: 16.0 }
    }
}

/// A name beside its sample.
#[derive(Template)]
#[template(path = "indicator/picture/templates/legend_name.svg")]
struct Name {
    /// The whole name, where there is room for its beginning only.
    full: Option<String>,
    x: u32,
    /// The baseline of each line, and the line.
    lines: Vec<(u32, String)>,
}

struct Entry {
    kind: Kind,
    name: String,
    text: Wrapped,
}

/// Draws the entries from the left to the right, as many in each row as fit. `targets` are the indices of those whose
/// names don't stand in the plot.
pub fn draw(picture: &Picture<'_>, targets: &[usize], canvas: &mut Canvas, id: &str) -> fmt::Result {
    let entries = entries(picture, targets);
    if entries.is_empty() {
        return Ok(());
    }
    canvas.y += 6;
    let mut names = Vec::new();
    let (mut x, mut rows) = (MARGIN, 0);
    for Entry { kind, name, text } in entries {
        let widest = text.lines.iter().map(|line| width(line, LEGEND).div_ceil(1000)).max().unwrap_or(0);
        let taken = SAMPLE_ROOM + u32::try_from(widest).unwrap_or(CONTENT_WIDTH);
        let lines = u32::try_from(text.lines.len()).unwrap_or(1);
        // An entry of several lines has a row of its own.
        if x > MARGIN && (x + taken > WIDTH - MARGIN || lines > 1 || rows > 1) {
            canvas.y += rows * LEGEND.line;
            (x, rows) = (MARGIN, 0);
        }
        let top = canvas.y;
        canvas.draw(Sample { kind, at: Position { x: f64::from(x), y: f64::from(top) + 9.0 }, id })?;
        let baselines = (0..).map(|line| top + line * LEGEND.line + 13);
        let full = text.is_cut.then_some(name);
        names.push(Name { full, x: x + SAMPLE_ROOM, lines: baselines.zip(text.lines).collect() }.to_string());
        rows = rows.max(lines);
        x += taken + GAP;
    }
    canvas.y += rows * LEGEND.line;
    canvas.draw(format_args!("<g {INK} font-size=\"{}\">{}</g>", LEGEND.size, names.concat()))
}

fn entries(picture: &Picture<'_>, targets: &[usize]) -> Vec<Entry> {
    let mut entries = vec![(Kind::Series(OWN_SERIES), clean(picture.own.name))];
    let benchmarks = picture.benchmarks.iter().enumerate();
    entries.extend(benchmarks.map(|(index, line)| (Kind::Series(benchmark_series(index)), clean(line.name))));
    let targets = targets.iter().filter_map(|index| picture.targets.get(*index).map(|target| (*index, target)));
    entries.extend(targets.map(|(index, target)| (Kind::Target(target_stroke(index)), picture.label(target))));
    if std::iter::once(&picture.own).chain(&picture.benchmarks).any(|line| has_provisional(picture.points(line))) {
        entries.push((Kind::Provisional, picture.language.text("chart-provisional")));
    }
    if picture.has_hidden() {
        entries.push((Kind::Hidden, picture.language.text("chart-hidden")));
    }
    let wrapped = |(kind, name): (Kind, String)| {
        let text = wrap(&name, LEGEND, CONTENT_WIDTH - SAMPLE_ROOM, 2);
        Entry { kind, name, text }
    };
    entries.into_iter().map(wrapped).filter(|entry| !entry.text.lines.is_empty()).collect()
}

fn has_provisional(points: &[Point]) -> bool {
    points.iter().any(|point| matches!(point.value(), Some((_, true))))
}
