//! The plot: the axes, and what is drawn between them.

use std::fmt::{self, Write};

use super::look::{AXIS, Colour, GRID, INK, LABEL, Look, OWN_LOOK, PAPER, Place, QUIET, Stroke, VALUE, px};
use super::periods::labels;
use super::room::{Area, Taken};
use super::scale::Scale;
use super::{Line, Picture, Point, look};
use crate::svg::{Escaped, Face, MARGIN, Sheet, WIDTH, width};

/// The plot's height where there are numbers, and where there are only periods.
const HEIGHT: f64 = 150.0;
const HEIGHT_WITHOUT_NUMBERS: f64 = 14.0;
/// From the axis and the right edge to the nearest value.
const INSET: f64 = 7.0;
/// How far above the highest tick, and to the right, there may be text.
const HEADROOM: f64 = 8.0;
/// What the marks of hidden periods need below the axis.
const HIDDEN_ROOM: f64 = look::HIDDEN_HEIGHT + 5.0;
/// What text needs above its baseline, and below.
const ASCENT: f64 = 10.0;
const DESCENT: f64 = 3.0;

/// Draws the plot, and gives back which of the targets found no room for their names in it.
pub fn draw(picture: &Picture<'_>, sheet: &mut Sheet, id: &str) -> Result<Vec<usize>, fmt::Error> {
    if picture.periods.is_empty() {
        return Ok(picture.targets().map(|(at, _)| at).collect());
    }
    let mut plot = Plot::new(picture, sheet);
    plot.grid()?;
    plot.horizontal_axis()?;
    plot.hidden(id)?;
    for (at, line) in picture.benchmarks.iter().enumerate() {
        plot.line(line, look::benchmark(at))?;
    }
    plot.line(&picture.own, OWN_LOOK)?;
    // On top, so that they are seen where the values are the same.
    plot.targets()?;
    plot.newest_value()?;
    let unlabelled = plot.target_names()?;
    sheet.body.push_str(&plot.body);
    sheet.y = plot.end;
    Ok(unlabelled)
}

struct Plot<'a> {
    picture: &'a Picture<'a>,
    /// None where there is no number at all.
    scale: Option<Scale>,
    /// Between the axes.
    area: Area,
    /// From one period to the next.
    spacing: f64,
    taken: Taken,
    body: String,
    /// Where the next thing below begins.
    end: u32,
}

impl<'a> Plot<'a> {
    fn new(picture: &'a Picture<'a>, sheet: &Sheet) -> Self {
        let points = std::iter::once(&picture.own).chain(&picture.benchmarks).flat_map(|line| picture.values(line));
        let numbers = points.map(|(_, value, _)| value);
        let targets = picture.targets().map(|(_, target)| target.value);
        let scale = Scale::of(numbers.chain(targets), picture.decimals);
        let widest = scale
            .iter()
            .flat_map(|scale| scale.names(picture))
            .map(|name| measured(&name, AXIS))
            .max_by(f64::total_cmp);
        let height = if scale.is_some() { HEIGHT } else { HEIGHT_WITHOUT_NUMBERS };
        let top = f64::from(sheet.y) + 6.0 + HEADROOM;
        let area = Area {
            left: f64::from(MARGIN) + widest.map_or(0.0, |widest| (widest + 6.0).round()),
            top,
            right: f64::from(WIDTH - MARGIN),
            bottom: top + height,
        };
        let steps = picture.periods.len().saturating_sub(1);
        let spacing = (area.right - area.left - 2.0 * INSET) / (steps.max(1) as f64);
        Self { picture, scale, area, spacing, taken: Taken::default(), body: String::new(), end: sheet.y }
    }

    /// Where a period is.
    fn x(&self, at: usize) -> f64 {
        match self.picture.periods.len() {
            1 => (self.area.left + self.area.right) / 2.0,
            _ => self.area.left + INSET + self.spacing * at as f64,
        }
    }

    /// Where a number is.
    fn y(&self, number: f64) -> f64 {
        let share = self.scale.as_ref().map_or(0.0, |scale| scale.share(number));
        self.area.bottom - share * (self.area.bottom - self.area.top)
    }

    /// A line at each tick, with its number.
    fn grid(&mut self) -> fmt::Result {
        let Some(scale) = self.scale.clone() else { return Ok(()) };
        let (mut lines, mut texts) = (String::new(), String::new());
        for (tick, name) in scale.ticks.iter().zip(scale.names(self.picture)) {
            let y = self.y(*tick).round();
            // The lowest is the axis, which is drawn later.
            if y < self.area.bottom {
                write!(lines, "M{} {}H{}", px(self.area.left), px(y + 0.5), px(self.area.right))?;
            }
            write!(texts, "<text x=\"{}\" y=\"{}\">{}</text>", px(self.area.left - 5.0), px(y + 4.0), Escaped(&name))?;
        }
        write!(self.body, "<path d=\"{lines}\" {GRID} stroke=\"currentColor\"/>")?;
        self.group(QUIET, AXIS, " text-anchor=\"end\"", &texts)?;
        // Numbers on both sides: zero matters most.
        let is_amid = |at: f64| scale.ticks.first() < Some(&at) && scale.ticks.last() > Some(&at);
        if is_amid(0.0) {
            self.level(self.y(0.0), QUIET, Stroke { width: "1", dashes: "" })?;
        }
        Ok(())
    }

    /// Hatches the periods whose own value is hidden, right below the axis; neighbours as one block.
    fn hidden(&mut self, id: &str) -> fmt::Result {
        let points = self.picture.points(&self.picture.own).iter().enumerate();
        let hidden: Vec<usize> = points.filter(|(_, point)| **point == Point::Hidden).map(|(at, _)| at).collect();
        let reach = (self.spacing / 2.0 - 1.0).clamp(2.0, 4.0);
        for block in hidden.chunk_by(|one, next| one + 1 == *next) {
            if let (Some(first), Some(last)) = (block.first(), block.last()) {
                let left = self.x(*first) - reach;
                let width = self.x(*last) + reach - left;
                let at = Place { x: left, y: self.area.bottom + HIDDEN_ROOM / 2.0 };
                look::hidden(&mut self.body, id, at, width)?;
            }
        }
        Ok(())
    }

    fn horizontal_axis(&mut self) -> fmt::Result {
        let axis = self.area.bottom + 0.5;
        let room = if self.picture.has_hidden() { HIDDEN_ROOM } else { 4.0 };
        let (mut ticks, mut texts) = (String::new(), String::new());
        let baseline = self.area.bottom + room + 12.0;
        for label in labels(&self.picture.periods, |at| self.x(at)) {
            write!(ticks, "M{} {}V{}", px(self.x(label.at)), px(axis), px(axis + room))?;
            write!(texts, "<text x=\"{}\" y=\"{}\">{}</text>", px(label.middle), px(baseline), Escaped(&label.text))?;
        }
        write!(
            self.body,
            "<path d=\"M{} {}H{}{ticks}\" {QUIET} stroke=\"currentColor\"/>",
            px(self.area.left),
            px(axis),
            px(self.area.right),
        )?;
        self.end = (baseline + DESCENT).round() as u32;
        self.group(QUIET, AXIS, " text-anchor=\"middle\"", &texts)
    }

    fn targets(&mut self) -> fmt::Result {
        for (at, target) in self.picture.targets() {
            let stroke = Stroke { width: look::TARGET_WIDTH, dashes: look::target_dashes(at) };
            self.level(self.y(target.value), INK, stroke)?;
        }
        Ok(())
    }

    /// Draws a line across the plot.
    fn level(&mut self, y: f64, colour: Colour, stroke: Stroke) -> fmt::Result {
        let Area { left, right, .. } = self.area;
        self.taken.line(Place { x: left, y }, Place { x: right, y });
        write!(self.body, "<path d=\"M{} {}H{}\" {colour} {stroke}/>", px(left), px(y), px(right))
    }

    fn line(&mut self, line: &Line<'_>, look: Look) -> fmt::Result {
        let points: Vec<(usize, Place, bool)> = (self.picture.values(line))
            .map(|(at, value, is_provisional)| (at, Place { x: self.x(at), y: self.y(value) }, is_provisional))
            .collect();
        let mut way = String::new();
        let (mut full, mut hollow) = (String::new(), Vec::new());
        let radius = self.radius();
        for (n, (at, place, is_provisional)) in points.iter().enumerate() {
            let before =
                n.checked_sub(1).and_then(|before| points.get(before)).filter(|(before, ..)| before + 1 == *at);
            let is_before_next = points.get(n + 1).is_some_and(|(next, ..)| at + 1 == *next);
            if let Some((_, before, _)) = before {
                self.taken.line(*before, *place);
            }
            if before.is_some() || is_before_next {
                let verb = if before.is_some() { 'L' } else { 'M' };
                write!(way, "{verb}{} {}", px(place.x), px(place.y))?;
            }
            let is_alone = before.is_none() && !is_before_next;
            if *is_provisional {
                hollow.push(*place);
            } else if is_alone || n + 1 == points.len() || self.is_marked(*at, look) {
                look.shape.draw(&mut full, *place, radius)?;
            }
            self.taken.area(Area::around(*place, radius + 1.5));
        }
        if points.is_empty() {
            return Ok(());
        }
        write!(self.body, "<g {}>", look.colour)?;
        if !way.is_empty() {
            let stroke = if self.spacing < 3.0 { Stroke { width: "1.2", ..look.stroke } } else { look.stroke };
            write!(self.body, "<path d=\"{way}\" {stroke} stroke-linejoin=\"round\"/>")?;
        }
        write!(self.body, "{full}</g>")?;
        self.hollow(&hollow, look, radius)
    }

    /// Marks that show the paper, not the line behind them.
    fn hollow(&mut self, places: &[Place], look: Look, radius: f64) -> fmt::Result {
        if places.is_empty() {
            return Ok(());
        }
        let mut shapes = String::new();
        places.iter().try_for_each(|place| look.shape.draw(&mut shapes, *place, radius))?;
        write!(self.body, "<g {PAPER}>{shapes}</g>")?;
        write!(self.body, "<g {} fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.5\">{shapes}</g>", look.colour)
    }

    fn radius(&self) -> f64 {
        match self.spacing {
            9.0.. => 3.5,
            3.0.. => 2.5,
            _ => 2.0,
        }
    }

    /// Whether a value that has neighbours has a mark. Where they are close, one's own have none, and others' have as
    /// many as it takes to tell them apart.
    fn is_marked(&self, at: usize, look: Look) -> bool {
        if self.spacing >= 5.0 {
            return true;
        }
        let every = (36.0 / self.spacing).ceil().max(1.0) as usize;
        look.shape != OWN_LOOK.shape && at % every == every / 2
    }

    /// Writes one's own newest value beside its mark, if there is room.
    fn newest_value(&mut self) -> fmt::Result {
        let Some((at, value, _)) = self.picture.values(&self.picture.own).next_back() else { return Ok(()) };
        let text = self.picture.written(value);
        let (x, y) = (self.x(at), self.y(value));
        let half = measured(&text, VALUE) / 2.0;
        let gap = self.radius() + 3.0;
        let middle = x.min(self.area.right + 6.0 - half).max(self.area.left + 2.0 + half);
        // Above it or below, as near as may be.
        for further in [0.0, 4.0, 8.0, 12.0] {
            for baseline in [y - gap - further - DESCENT + 1.0, y + gap + further + ASCENT - 1.0] {
                if self.write((middle - half, baseline), &text, VALUE)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Writes the targets' names at their lines, and gives back for which there was no room.
    fn target_names(&mut self) -> Result<Vec<usize>, fmt::Error> {
        let mut unlabelled = Vec::new();
        for (at, target) in self.picture.targets() {
            let text = self.picture.label(target);
            let y = self.y(target.value);
            let (first, last) = (self.area.left + 3.0, self.area.right - measured(&text, LABEL));
            let mut is_written = false;
            // Above the line first, and as far to the right as may be; beyond the marks of values that are the same.
            let baselines = [1.5, 5.5].map(|gap| [y - DESCENT - gap, y + ASCENT + gap]);
            for baseline in baselines.into_iter().flatten() {
                let mut left = last;
                while !is_written && left >= first {
                    is_written = self.write((left, baseline), &text, LABEL)?;
                    left -= 4.0;
                }
            }
            if !is_written {
                unlabelled.push(at);
            }
        }
        Ok(unlabelled)
    }

    /// Writes a text amid the lines, unless something is there.
    fn write(&mut self, (left, baseline): (f64, f64), text: &str, face: Face) -> Result<bool, fmt::Error> {
        let area =
            Area { left, top: baseline - ASCENT, right: left + measured(text, face), bottom: baseline + DESCENT };
        let room = Area { top: self.area.top - HEADROOM, right: self.area.right + HEADROOM, ..self.area };
        if !area.is_within(room) || !self.taken.leaves(area) {
            return Ok(false);
        }
        self.taken.area(Area { left: area.left - 5.0, right: area.right + 5.0, ..area });
        // On paper of its own, so that no line of the grid goes through it.
        write!(
            self.body,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" {PAPER}/>",
            px(area.left),
            px(area.top + 1.0),
            px(area.right - area.left),
            px(ASCENT + DESCENT - 1.5),
        )?;
        let middle = (area.left + area.right) / 2.0;
        let text = format!("<text x=\"{}\" y=\"{}\">{}</text>", px(middle), px(baseline), Escaped(text));
        self.group(INK, face, " text-anchor=\"middle\"", &text)?;
        Ok(true)
    }

    fn group(&mut self, colour: Colour, face: Face, more: &str, texts: &str) -> fmt::Result {
        let Face { size, weight, .. } = face;
        write!(self.body, "<g {colour} font-size=\"{size}\" font-weight=\"{weight}\"{more}>{texts}</g>")
    }
}

impl Picture<'_> {
    /// A line's values: which period, the number, and whether it is provisional.
    fn values(&self, line: &Line<'_>) -> impl DoubleEndedIterator<Item = (usize, f64, bool)> {
        let points = self.points(line).iter().enumerate();
        points.filter_map(|(at, point)| point.value().map(|(value, is_provisional)| (at, value, is_provisional)))
    }
}

impl Scale {
    /// The numbers at the ticks, as they are written.
    fn names(&self, picture: &Picture<'_>) -> Vec<String> {
        self.ticks.iter().map(|tick| picture.language.number(*tick, Some(self.decimals))).collect()
    }
}

/// A text's width, in px.
fn measured(text: &str, face: Face) -> f64 {
    width(text, face) as f64 / 1000.0
}
