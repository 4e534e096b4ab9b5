//! What stands below the plot: which line and which mark means what.

use std::fmt::{self, Write};

use super::look::{INK, LEGEND, Look, OWN_LOOK, Place, QUIET, Shape, Stroke, px};
use super::{Picture, Point, look};
use crate::svg::{Escaped, MARGIN, ROOM, Sheet, WIDTH, Wrapped, clean, width, wrap};

/// From a sample's left edge to the text beside it.
const SAMPLE: u32 = 24;
const SAMPLE_ROOM: u32 = SAMPLE + 6;
/// Between two entries beside each other.
const GAP: u32 = 12;

/// What stands beside a name.
#[derive(Clone, Copy)]
enum Sample {
    Line(Look),
    Target(usize),
    Hidden,
    Provisional,
}

struct Entry {
    sample: Sample,
    name: String,
    text: Wrapped,
}

/// Draws the entries from the left to the right, as many in each row as fit. Targets are among them where their names
/// don't stand in the plot.
pub fn draw(picture: &Picture<'_>, targets: &[usize], sheet: &mut Sheet, id: &str) -> fmt::Result {
    let entries = entries(picture, targets);
    if entries.is_empty() {
        return Ok(());
    }
    sheet.y += 6;
    let mut texts = String::new();
    let (mut x, mut rows) = (MARGIN, 0);
    for entry in entries {
        let widest = entry.text.lines.iter().map(|line| width(line, LEGEND).div_ceil(1000)).max().unwrap_or(0);
        let taken = SAMPLE_ROOM + u32::try_from(widest).unwrap_or(ROOM);
        let lines = u32::try_from(entry.text.lines.len()).unwrap_or(1);
        // One of several lines stands by itself.
        if x > MARGIN && (x + taken > WIDTH - MARGIN || lines > 1 || rows > 1) {
            sheet.y += rows * LEGEND.line;
            (x, rows) = (MARGIN, 0);
        }
        let at = Place { x: f64::from(x), y: f64::from(sheet.y) + 9.0 };
        sample(&mut sheet.body, entry.sample, at, id)?;
        if entry.text.is_cut {
            // Shown when the pointer rests on the name.
            write!(texts, "<g><title>{}</title>", Escaped(&entry.name))?;
        }
        for (n, line) in (0..).zip(&entry.text.lines) {
            let y = sheet.y + n * LEGEND.line + 13;
            write!(texts, "<text x=\"{}\" y=\"{y}\">{}</text>", x + SAMPLE_ROOM, Escaped(line))?;
        }
        if entry.text.is_cut {
            texts.push_str("</g>");
        }
        rows = rows.max(lines);
        x += taken + GAP;
    }
    sheet.y += rows * LEGEND.line;
    write!(sheet.body, "<g {INK} font-size=\"{}\">{texts}</g>", LEGEND.size)
}

fn entries(picture: &Picture<'_>, targets: &[usize]) -> Vec<Entry> {
    let mut entries = vec![(Sample::Line(OWN_LOOK), clean(picture.own.name))];
    let benchmarks = picture.benchmarks.iter().enumerate();
    entries.extend(benchmarks.map(|(at, line)| (Sample::Line(look::benchmark(at)), clean(line.name))));
    let targets = targets.iter().filter_map(|at| picture.targets.get(*at).map(|target| (*at, target)));
    entries.extend(targets.map(|(at, target)| (Sample::Target(at), picture.label(target))));
    if std::iter::once(&picture.own).chain(&picture.benchmarks).any(|line| has_provisional(picture.points(line))) {
        entries.push((Sample::Provisional, picture.language.text("chart-provisional")));
    }
    if picture.has_hidden() {
        entries.push((Sample::Hidden, picture.language.text("chart-hidden")));
    }
    let wrapped = |(sample, name): (Sample, String)| {
        let text = wrap(&name, LEGEND, ROOM - SAMPLE_ROOM, 2);
        Entry { sample, name, text }
    };
    entries.into_iter().map(wrapped).filter(|entry| !entry.text.lines.is_empty()).collect()
}

fn has_provisional(points: &[Point]) -> bool {
    points.iter().any(|point| matches!(point.value(), Some((_, true))))
}

/// A piece of what a name means; its left edge in the middle of its height is at a place.
fn sample(body: &mut String, sample: Sample, at: Place, id: &str) -> fmt::Result {
    let middle = Place { x: at.x + f64::from(SAMPLE) / 2.0, ..at };
    let (x, y, end) = (px(at.x), px(at.y), px(at.x + f64::from(SAMPLE)));
    match sample {
        Sample::Line(look) => {
            write!(body, "<g {}><path d=\"M{x} {y}H{end}\" {}/>", look.colour, look.stroke)?;
            look.shape.draw(body, middle, 3.5)?;
            body.push_str("</g>");
            Ok(())
        }
        Sample::Target(target) => {
            let stroke = Stroke { width: look::TARGET_WIDTH, dashes: look::target_dashes(target) };
            write!(body, "<path d=\"M{x} {y}H{end}\" {INK} {stroke}/>")
        }
        Sample::Hidden => look::hidden(body, id, Place { x: middle.x - 8.0, ..at }, 16.0),
        Sample::Provisional => {
            write!(body, "<g {QUIET} fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.5\">")?;
            Shape::Circle.draw(body, middle, 3.5)?;
            body.push_str("</g>");
            Ok(())
        }
    }
}
