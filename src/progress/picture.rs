//! The picture of progress: one self-contained SVG with a bar by stage for every set of figures.
//!
//! No stage is distinguished by its colour alone: each has a pattern, a gap to the next, and its name and count below
//! the bar.

use std::fmt;

use askama::Template;

use crate::action::assignment::stage::Stage;
use crate::chart::style::{COUNT, Colour, INK, LEGEND, PART_TITLE, QUIET, SENTENCE, STAGES, SUBTITLE, TITLE};
use crate::chart::typesetting::{clean, width, wrap};
use crate::chart::{CONTENT_WIDTH, Canvas, Description, Document, MARGIN, TextBlock};
use crate::language::Language;

/// A picture: a heading with one to three bars below it.
///
/// Its `Display` form is the SVG document. What is drawn depends on these fields alone, to the byte.
#[derive(Debug, Clone)]
pub struct Picture<'a> {
    /// What the figures are about; at most two lines of it are shown.
    pub title: &'a str,
    /// The line below the title, such as the day: `pr. 22. november 2026`. Left out where it is empty.
    pub subtitle: &'a str,
    /// The bars, from the top.
    pub bars: Vec<Bar<'a>>,
    /// The language of the picture's words and numbers.
    pub language: Language,
}

/// One bar: how many assignments are at each stage.
#[derive(Debug, Clone, Copy)]
pub struct Bar<'a> {
    /// What the bar counts; at most two lines of it are shown. Left out where it is empty.
    pub title: &'a str,
    /// How many are done, in progress, not started and dropped, in that order.
    pub stages: [u64; 4],
    /// The figures in a sentence: `37 af 52 udvalg er i mål`. Not shown where the stages add up to nothing.
    pub caption: &'a str,
}

/// The bars' height, in px like all that follows.
const BAR_HEIGHT: u32 = 24;
/// The side of a legend's swatch.
const SWATCH: u32 = 12;
/// From the left edge of a swatch to the text beside it.
const SWATCH_ROOM: u32 = SWATCH + 6;
/// From one column of the legend to the next, and how much of that its text leaves empty.
const COLUMN: u32 = CONTENT_WIDTH / 2 + 2;
const COLUMN_GAP: u32 = 4;

/// A bar is measured in tenths of a px.
const BAR: u128 = CONTENT_WIDTH as u128 * 10;
/// Between two segments.
const GAP: u128 = 20;
/// The narrowest segment: two px of outline and one of the pattern.
const NARROWEST: u128 = 30;

impl fmt::Display for Picture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let description = self.description();
        let mut canvas = Canvas::new();
        canvas.draw_text(&wrap(&description.title, TITLE, CONTENT_WIDTH, 2), TITLE, INK)?;
        canvas.draw_text(&wrap(&clean(self.subtitle), SUBTITLE, CONTENT_WIDTH, 1), SUBTITLE, QUIET)?;
        for bar in &self.bars {
            let drawing = bar.lay_out(&mut canvas, &description.id, self.language);
            canvas.draw(drawing)?;
        }
        let patterns = Patterns { id: &description.id }.to_string();
        write!(f, "{}", Document::new(&description, &STAGES, &patterns, &canvas))
    }
}

impl Picture<'_> {
    /// All that the picture shows, as sentences.
    fn description(&self) -> Description {
        let mut sentences = vec![clean(self.subtitle)];
        for bar in &self.bars {
            let (title, caption) = (clean(bar.title), bar.caption(self.language));
            let colon = if title.is_empty() || caption.is_empty() { "" } else { ": " };
            sentences.push(format!("{title}{colon}{caption}"));
            if !bar.is_empty() {
                let counts: Vec<String> = (stage_names(self.language).iter().zip(bar.stages))
                    .map(|(name, count)| format!("{name}: {}", self.language.count(count)))
                    .collect();
                sentences.push(counts.join(", "));
            }
        }
        Description::new(self.language, clean(self.title), &sentences)
    }
}

/// What fills the segments: stripes in progress, dots not started, a lattice dropped. Done is solid.
#[derive(Template)]
#[template(path = "progress/templates/patterns.svg")]
struct Patterns<'a> {
    id: &'a str,
}

/// A bar with its texts and its legend, ready to draw.
#[derive(Template)]
#[template(path = "progress/templates/bar.svg")]
struct BarDrawing<'a> {
    /// What the ids of the patterns begin with.
    id: &'a str,
    /// The whole title, where the picture has room for its beginning only.
    full_title: Option<String>,
    title: TextBlock,
    caption: TextBlock,
    /// Where the bar begins, from the top.
    top: u32,
    /// The segments and the legend's swatches; none where the stages add up to nothing.
    blocks: Vec<Block>,
    legend: Vec<LegendEntry>,
}

/// A rectangle with a stage's pattern.
struct Block {
    colour: Colour,
    /// From the left, to the middle of the outline.
    x: f64,
    /// From the top.
    y: u32,
    width: f64,
    height: u32,
}

impl Block {
    /// A block; `x` and `width` are tenths of a px. Its outline is drawn half a px to either side.
    fn new(stage: usize, x: u128, y: u32, width: u128, height: u32) -> Self {
        let colour = STAGES[stage];
        Self { colour, x: (x + 5) as f64 / 10.0, y, width: (width - 10) as f64 / 10.0, height: height - 1 }
    }

    fn is_solid(&self) -> bool {
        self.colour.class == STAGES[0].class
    }
}

/// A stage's name and count.
struct LegendEntry {
    x: u32,
    y: u32,
    name: String,
    count: String,
}

impl Bar<'_> {
    /// Lays the bar out below what is on the canvas.
    fn lay_out<'a>(&self, canvas: &mut Canvas, id: &'a str, language: Language) -> BarDrawing<'a> {
        canvas.y += 10;
        let full_title = clean(self.title);
        let wrapped = wrap(&full_title, PART_TITLE, CONTENT_WIDTH, 2);
        let title = canvas.text(&wrapped, PART_TITLE, INK);
        let caption = canvas.text(&wrap(&self.caption(language), SENTENCE, CONTENT_WIDTH, 2), SENTENCE, INK);
        canvas.y += 5;
        let top = canvas.y;
        canvas.y += BAR_HEIGHT;
        let (mut blocks, mut legend) = (Vec::new(), Vec::new());
        if !self.is_empty() {
            blocks = self.segments(top);
            canvas.y += 6;
            for ((stage, name), count) in stage_names(language).iter().enumerate().zip(self.stages) {
                let x = if stage % 2 == 0 { MARGIN } else { MARGIN + COLUMN };
                let y = canvas.y + if stage < 2 { 0 } else { LEGEND.line };
                blocks.push(Block::new(stage, u128::from(x) * 10, y + 3, u128::from(SWATCH) * 10, SWATCH));
                let count = language.count(count);
                legend.push(LegendEntry { x: x + SWATCH_ROOM, y: y + 13, name: name_beside(name, &count), count });
            }
            canvas.y += 2 * LEGEND.line;
        }
        BarDrawing { id, full_title: wrapped.is_cut.then_some(full_title), title, caption, top, blocks, legend }
    }

    fn segments(&self, top: u32) -> Vec<Block> {
        let mut segments = Vec::new();
        let mut x = u128::from(MARGIN) * 10;
        for (stage, width) in widths(self.stages).into_iter().enumerate() {
            if width > 0 {
                segments.push(Block::new(stage, x, top, width, BAR_HEIGHT));
                x += width + GAP;
            }
        }
        segments
    }
}

impl Bar<'_> {
    fn is_empty(&self) -> bool {
        self.stages == [0; 4]
    }

    fn caption(&self, language: Language) -> String {
        if self.is_empty() { language.text("progress-nothing") } else { clean(self.caption) }
    }
}

/// The names of the stages, in the order of [`Bar::stages`].
fn stage_names(language: Language) -> [String; 4] {
    [Stage::Done, Stage::InProgress, Stage::NotStarted, Stage::Dropped]
        .map(|stage| language.text(&format!("stage-{stage}")))
}

/// The name of a stage, cut so that its count has room beside it.
fn name_beside(name: &str, count: &str) -> String {
    let room = COLUMN - SWATCH_ROOM - COLUMN_GAP;
    let taken = (width(count, COUNT) + width(" ", LEGEND)).div_ceil(1000);
    wrap(name, LEGEND, room.saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX)), 1).lines.concat()
}

/// The segments' widths, in tenths of a px. With the gaps between them they fill the bar. None is too narrow to be
/// seen, and a larger count is never narrower than a smaller one. A count of zero has no width.
fn widths(stages: [u64; 4]) -> [u128; 4] {
    let counts = stages.map(u128::from);
    let shown = counts.iter().filter(|count| **count > 0).count() as u128;
    if shown == 0 {
        return [0; 4];
    }
    let mut is_narrow = [false; 4];
    loop {
        // The others share what the narrow ones leave, by which more of them may become too narrow.
        let narrow = is_narrow.iter().filter(|is| **is).count() as u128;
        let room = BAR - GAP * (shown - 1) - NARROWEST * narrow;
        let wide = |at: &usize| counts[*at] > 0 && !is_narrow[*at];
        let sum = (0..4).filter(wide).map(|at| counts[at]).sum::<u128>().max(1);
        let too_narrow: Vec<usize> = (0..4).filter(wide).filter(|at| counts[*at] * room < NARROWEST * sum).collect();
        if too_narrow.is_empty() {
            let mut widths = [0; 4];
            for at in (0..4).filter(|at| counts[*at] > 0) {
                widths[at] = if is_narrow[at] { NARROWEST } else { counts[at] * room / sum };
            }
            // Rounding leaves less than a tenth for each; the largest takes it.
            let left_over = BAR - GAP * (shown - 1) - widths.iter().sum::<u128>();
            if let Some(largest) = (0..4).max_by_key(|at| counts[*at]) {
                widths[largest] += left_over;
            }
            return widths;
        }
        for at in too_narrow {
            is_narrow[at] = true;
        }
    }
}

#[cfg(test)]
mod tests;
