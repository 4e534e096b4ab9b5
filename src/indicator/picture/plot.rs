//! The plot: the axes, and what is drawn between them.

use std::fmt;

use askama::Template;

use super::{HIDDEN_HEIGHT, HiddenBlock, Line, Picture, Point};
use crate::chart::label_placement::{Area, Occupied, Position};
use crate::chart::period_axis::labels;
use crate::chart::scale::Scale;
use crate::chart::style::{
    AXIS, Face, GRID, INK, LABEL, Mark, OUTLINE, OWN_SERIES, PAPER, QUIET, SeriesStyle, Stroke, THIN, VALUE,
    benchmark_series, target_stroke,
};
use crate::chart::typesetting::width;
use crate::chart::{Canvas, MARGIN, WIDTH, px};

/// The plot's height where there are numbers, and where there are only periods.
const HEIGHT: f64 = 150.0;
const HEIGHT_WITHOUT_NUMBERS: f64 = 14.0;
/// From the axis and the right edge to the nearest value.
const INSET: f64 = 7.0;
/// How far above the highest tick, and to the right, there may be text.
const HEADROOM: f64 = 8.0;
/// The space for marks of hidden periods below the axis.
const HIDDEN_ROOM: f64 = HIDDEN_HEIGHT + 5.0;
/// The height of text above its baseline, and below.
const ASCENT: f64 = 10.0;
const DESCENT: f64 = 3.0;

/// Draws the plot. Returns the indices of the targets whose names have no room in it.
pub fn draw(picture: &Picture<'_>, canvas: &mut Canvas, id: &str) -> Result<Vec<usize>, fmt::Error> {
    if picture.periods.is_empty() {
        return Ok(picture.targets().map(|(index, _)| index).collect());
    }
    let mut layout = Layout::new(picture, canvas);
    let grid = layout.grid();
    let axis = layout.horizontal_axis();
    let mut series = Vec::new();
    for (index, line) in picture.benchmarks.iter().enumerate() {
        series.extend(layout.series(line, benchmark_series(index)));
    }
    series.extend(layout.series(&picture.own, OWN_SERIES));
    let targets = layout.targets();
    let mut labels: Vec<Label> = layout.newest_value().into_iter().collect();
    let (names, unlabelled) = layout.target_names();
    labels.extend(names);
    canvas.y = axis.end;
    canvas.draw(Plot { grid, hidden: layout.hidden(id), axis, series, targets, labels })?;
    Ok(unlabelled)
}

/// Everything in the plot, from the back to the front.
#[derive(Template)]
#[template(path = "indicator/picture/templates/plot.svg")]
struct Plot<'a> {
    /// None where there is no number at all.
    grid: Option<Grid>,
    axis: PeriodAxis,
    hidden: Vec<HiddenBlock<'a>>,
    /// One's own on top of the benchmarks.
    series: Vec<Series>,
    /// On top of the series, so that they are seen where the values are the same.
    targets: Vec<(Level, Stroke)>,
    labels: Vec<Label>,
}

/// A line at each tick, with its number.
struct Grid {
    path: String,
    numbers: Vec<Text>,
    /// Where there are numbers on both sides of zero, which matters most.
    zero: Option<Level>,
}

/// The horizontal axis.
struct PeriodAxis {
    path: String,
    periods: Vec<Text>,
    /// Where it ends, from the top.
    end: u32,
}

/// A text at its anchor.
struct Text {
    at: Position,
    text: String,
}

/// A line across the plot.
#[derive(Clone, Copy)]
struct Level {
    left: f64,
    right: f64,
    y: f64,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "M{} {}H{}", px(self.left), px(self.y), px(self.right))
    }
}

/// A line with its marks.
struct Series {
    style: SeriesStyle,
    stroke: Stroke,
    /// Empty where no two values are neighbours.
    path: String,
    full: Vec<Mark>,
    /// Provisional values; they show the background, not the line behind them.
    hollow: Vec<Mark>,
}

/// A label between the lines, on a background of its own, so that no line of the grid goes through it.
struct Label {
    area: Area,
    text: Text,
    face: Face,
}

/// Finds the positions of everything in the plot.
struct Layout<'a> {
    picture: &'a Picture<'a>,
    /// None where there is no number at all.
    scale: Option<Scale>,
    /// Between the axes.
    area: Area,
    /// From one period to the next.
    spacing: f64,
    occupied: Occupied,
}

impl<'a> Layout<'a> {
    fn new(picture: &'a Picture<'a>, canvas: &Canvas) -> Self {
        let points = std::iter::once(&picture.own).chain(&picture.benchmarks).flat_map(|line| picture.values(line));
        let numbers = points.map(|(_, value, _)| value);
        let targets = picture.targets().map(|(_, target)| target.value);
        let scale = Scale::for_numbers(numbers.chain(targets), picture.decimals);
        let widest = scale
            .iter()
            .flat_map(|scale| scale.names(picture))
            .map(|name| measured(&name, AXIS))
            .max_by(f64::total_cmp);
        let height = if scale.is_some() { HEIGHT } else { HEIGHT_WITHOUT_NUMBERS };
        let top = f64::from(canvas.y) + 6.0 + HEADROOM;
        let area = Area {
            left: f64::from(MARGIN) + widest.map_or(0.0, |widest| (widest + 6.0).round()),
            top,
            right: f64::from(WIDTH - MARGIN),
            bottom: top + height,
        };
        let steps = picture.periods.len().saturating_sub(1);
        let spacing = (area.right - area.left - 2.0 * INSET) / (steps.max(1) as f64);
        Self { picture, scale, area, spacing, occupied: Occupied::default() }
    }

    /// The position of a period.
    fn x(&self, index: usize) -> f64 {
        match self.picture.periods.len() {
            1 => (self.area.left + self.area.right) / 2.0,
            _ => self.area.left + INSET + self.spacing * index as f64,
        }
    }

    /// The position of a number.
    fn y(&self, number: f64) -> f64 {
        let share = self.scale.as_ref().map_or(0.0, |scale| scale.share(number));
        self.area.bottom - share * (self.area.bottom - self.area.top)
    }

    fn grid(&mut self) -> Option<Grid> {
        let scale = self.scale.clone()?;
        let (mut path, mut numbers) = (String::new(), Vec::new());
        for (tick, text) in scale.ticks.iter().zip(scale.names(self.picture)) {
            let y = self.y(*tick).round();
            // The lowest is the axis, which is drawn later.
            if y < self.area.bottom {
                let Area { left, right, .. } = self.area;
                path += &Level { left, right, y: y + 0.5 }.to_string();
            }
            numbers.push(Text { at: Position { x: self.area.left - 5.0, y: y + 4.0 }, text });
        }
        let is_inside = scale.ticks.first() < Some(&0.0) && scale.ticks.last() > Some(&0.0);
        let zero = is_inside.then(|| self.level(self.y(0.0)));
        Some(Grid { path, numbers, zero })
    }

    /// The periods whose own value is hidden, right below the axis; neighbours as one block.
    fn hidden<'i>(&self, id: &'i str) -> Vec<HiddenBlock<'i>> {
        let points = self.picture.points(&self.picture.own).iter().enumerate();
        let hidden: Vec<usize> = points.filter(|(_, point)| **point == Point::Hidden).map(|(index, _)| index).collect();
        let reach = (self.spacing / 2.0 - 1.0).clamp(2.0, 4.0);
        let block = |block: &[usize]| {
            let left = self.x(*block.first()?) - reach;
            let width = self.x(*block.last()?) + reach - left;
            Some(HiddenBlock { id, at: Position { x: left, y: self.area.bottom + HIDDEN_ROOM / 2.0 }, width })
        };
        hidden.chunk_by(|one, next| one + 1 == *next).filter_map(block).collect()
    }

    fn horizontal_axis(&self) -> PeriodAxis {
        let Area { left, right, bottom, .. } = self.area;
        let y = bottom + 0.5;
        let room = if self.picture.has_hidden() { HIDDEN_ROOM } else { 4.0 };
        let baseline = bottom + room + 12.0;
        let mut path = Level { left, right, y }.to_string();
        let mut periods = Vec::new();
        for label in labels(&self.picture.periods, |index| self.x(index)) {
            path += &format!("M{} {}V{}", px(self.x(label.index)), px(y), px(y + room));
            periods.push(Text { at: Position { x: label.middle, y: baseline }, text: label.text });
        }
        PeriodAxis { path, periods, end: (baseline + DESCENT).round() as u32 }
    }

    fn targets(&mut self) -> Vec<(Level, Stroke)> {
        let picture = self.picture;
        let targets = picture.targets();
        targets.map(|(index, target)| (self.level(self.y(target.value)), target_stroke(index))).collect()
    }

    /// A line across the plot.
    fn level(&mut self, y: f64) -> Level {
        let Area { left, right, .. } = self.area;
        self.occupied.add_line(Position { x: left, y }, Position { x: right, y });
        Level { left, right, y }
    }

    /// A series; none where it has no value.
    fn series(&mut self, line: &Line<'_>, style: SeriesStyle) -> Option<Series> {
        let values = self.picture.values(line);
        let points: Vec<(usize, Position, bool)> = values
            .map(|(index, value, is_provisional)| {
                (index, Position { x: self.x(index), y: self.y(value) }, is_provisional)
            })
            .collect();
        let newest = points.len().checked_sub(1)?;
        let stroke = if self.spacing < 3.0 { Stroke { width: "1.2", ..style.stroke } } else { style.stroke };
        let mut series = Series { style, stroke, path: String::new(), full: Vec::new(), hollow: Vec::new() };
        let radius = self.radius();
        for (n, (index, at, is_provisional)) in points.iter().enumerate() {
            let before = n.checked_sub(1).and_then(|before| points.get(before));
            let before = before.filter(|(before, ..)| before + 1 == *index);
            let is_before_next = points.get(n + 1).is_some_and(|(next, ..)| index + 1 == *next);
            if let Some((_, before, _)) = before {
                self.occupied.add_line(*before, *at);
            }
            if before.is_some() || is_before_next {
                let verb = if before.is_some() { 'L' } else { 'M' };
                series.path += &format!("{verb}{} {}", px(at.x), px(at.y));
            }
            let is_alone = before.is_none() && !is_before_next;
            let mark = Mark { shape: style.shape, at: *at, radius };
            if *is_provisional {
                series.hollow.push(mark);
            } else if is_alone || n == newest || self.is_marked(*index, style) {
                series.full.push(mark);
            }
            self.occupied.add_area(Area::around(*at, radius + 1.5));
        }
        Some(series)
    }

    fn radius(&self) -> f64 {
        match self.spacing {
            9.0.. => 3.5,
            3.0.. => 2.5,
            _ => 2.0,
        }
    }

    /// Whether a value that has neighbours has a mark. Where they are close, one's own have none, and others' have as
    /// many as it takes to distinguish them.
    fn is_marked(&self, index: usize, style: SeriesStyle) -> bool {
        if self.spacing >= 5.0 {
            return true;
        }
        let every = (36.0 / self.spacing).ceil().max(1.0) as usize;
        style.shape != OWN_SERIES.shape && index % every == every / 2
    }

    /// One's own newest value beside its mark, if there is room.
    fn newest_value(&mut self) -> Option<Label> {
        let (index, value, _) = self.picture.values(&self.picture.own).next_back()?;
        let text = self.picture.number(value);
        let (x, y) = (self.x(index), self.y(value));
        let half = measured(&text, VALUE) / 2.0;
        let gap = self.radius() + 3.0;
        let middle = x.min(self.area.right + 6.0 - half).max(self.area.left + 2.0 + half);
        // Above it or below, as near as possible.
        let baselines =
            [0.0, 4.0, 8.0, 12.0].map(|further| [y - gap - further - DESCENT + 1.0, y + gap + further + ASCENT - 1.0]);
        let baselines = baselines.into_iter().flatten();
        baselines.into_iter().find_map(|y| self.place(Position { x: middle - half, y }, &text, VALUE))
    }

    /// The targets' names at their lines, and the indices of those that have no room.
    fn target_names(&mut self) -> (Vec<Label>, Vec<usize>) {
        let (mut names, mut unlabelled) = (Vec::new(), Vec::new());
        let picture = self.picture;
        for (index, target) in picture.targets() {
            let text = picture.label(target);
            let y = self.y(target.value);
            let (first, last) = (self.area.left + 3.0, self.area.right - measured(&text, LABEL));
            // Above the line first, and as far to the right as possible; beyond the marks of values that are the same.
            let baselines = [1.5, 5.5].map(|gap| [y - DESCENT - gap, y + ASCENT + gap]);
            let name = baselines.into_iter().flatten().find_map(|y| {
                let lefts = std::iter::successors(Some(last), |left| Some(left - 4.0));
                let mut lefts = lefts.take_while(|left| *left >= first);
                lefts.find_map(|x| self.place(Position { x, y }, &text, LABEL))
            });
            match name {
                Some(name) => names.push(name),
                None => unlabelled.push(index),
            }
        }
        (names, unlabelled)
    }

    /// A label between the lines, with the left end of its baseline at a position; none if something is there.
    fn place(&mut self, Position { x: left, y: baseline }: Position, text: &str, face: Face) -> Option<Label> {
        let right = left + measured(text, face);
        let area = Area { left, top: baseline - ASCENT, right, bottom: baseline + DESCENT };
        let room = Area { top: self.area.top - HEADROOM, right: self.area.right + HEADROOM, ..self.area };
        if !area.is_within(room) || !self.occupied.is_free(area) {
            return None;
        }
        self.occupied.add_area(Area { left: left - 5.0, right: right + 5.0, ..area });
        let at = Position { x: (left + right) / 2.0, y: baseline };
        Some(Label { area, text: Text { at, text: text.to_owned() }, face })
    }
}

impl Picture<'_> {
    /// A line's values: the period's index, the number, and whether it is provisional.
    fn values(&self, line: &Line<'_>) -> impl DoubleEndedIterator<Item = (usize, f64, bool)> {
        let points = self.points(line).iter().enumerate();
        points.filter_map(|(index, point)| point.value().map(|(value, is_provisional)| (index, value, is_provisional)))
    }
}

impl Scale {
    /// The numbers at the ticks, formatted.
    fn names(&self, picture: &Picture<'_>) -> Vec<String> {
        self.ticks.iter().map(|tick| picture.language.number(*tick, Some(self.decimals))).collect()
    }
}

/// A text's width, in px.
fn measured(text: &str, face: Face) -> f64 {
    width(text, face) as f64 / 1000.0
}
