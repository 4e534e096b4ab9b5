//! All colours, fonts and line styles of the pictures.
//!
//! Nothing is distinguished by its colour alone: stages have patterns, series have dashes and marks.

use std::fmt;

use askama::Template;

use super::label_placement::Position;

/// The fonts of all text.
pub const FONT: &str = "system-ui, sans-serif";

/// A colour in light and in dark surroundings; its `Display` form are the attributes of an element.
#[derive(Debug, Clone, Copy)]
pub struct Colour {
    /// The class of what has it, without `ms-`.
    pub class: &'static str,
    /// In light surroundings.
    pub light: &'static str,
    /// In dark surroundings.
    pub dark: &'static str,
}

/// The background.
pub const PAPER: Colour = Colour { class: "paper", light: "#ffffff", dark: "#1c1c20" };
/// Text and targets. On the background, text has a contrast of at least 4.5:1, everything else of 3:1.
pub const INK: Colour = Colour { class: "ink", light: "#1a1a1a", dark: "#f2f2f2" };
/// Axes, remarks.
pub const QUIET: Colour = Colour { class: "quiet", light: "#595959", dark: "#c2c2c6" };
/// Lines across a plot, which are no more than a help.
pub const GRID: Colour = Colour { class: "grid", light: "#dcdcdf", dark: "#3c3c42" };
/// The colours that every picture has.
pub const COMMON: [Colour; 3] = [PAPER, INK, QUIET];

/// The stages done, in progress, not started and dropped: blue and orange after Okabe and Ito, dark enough for a white
/// background, and greys for what isn't under way.
pub const STAGES: [Colour; 4] = [
    Colour { class: "stage0", light: "#0072b2", dark: "#56b4e9" },
    Colour { class: "stage1", light: "#b86200", dark: "#f0a830" },
    Colour { class: "stage2", light: "#6b6b6b", dark: "#a3a3a8" },
    Colour { class: "stage3", light: "#4d4d4d", dark: "#d0d0d4" },
];

/// The colours of charts: the grid, one's own values, and benchmarks in orange, green and purple.
pub const CHART: [Colour; 5] = [
    GRID,
    Colour { class: "own", light: "#0072b2", dark: "#56b4e9" },
    Colour { class: "other0", light: "#b86200", dark: "#f0a830" },
    Colour { class: "other1", light: "#007a58", dark: "#35c99b" },
    Colour { class: "other2", light: "#a8487f", dark: "#e59cc8" },
];

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "class=\"ms-{}\" color=\"{}\"", self.class, self.light)
    }
}

/// How a text is set.
#[derive(Debug, Clone, Copy)]
pub struct Face {
    /// The font's size, in px.
    pub size: u32,
    /// From one line to the next, in px.
    pub line: u32,
    /// How bold it is: 400 is regular.
    pub weight: u32,
}

/// A picture's title.
pub const TITLE: Face = Face { size: 14, line: 19, weight: 600 };
/// The line below the title.
pub const SUBTITLE: Face = Face { size: 12, line: 17, weight: 400 };
/// The title of a part of a picture.
pub const PART_TITLE: Face = Face { size: 13, line: 18, weight: 600 };
/// A sentence in a picture.
pub const SENTENCE: Face = Face { size: 13, line: 18, weight: 400 };
/// The legend.
pub const LEGEND: Face = Face { size: 12, line: 19, weight: 400 };
/// Numbers in the legend.
pub const COUNT: Face = Face { weight: 600, ..LEGEND };
/// The names and numbers along the axes.
pub const AXIS: Face = Face { size: 11, line: 15, weight: 400 };
/// A label in a plot.
pub const LABEL: Face = Face { size: 12, line: 16, weight: 400 };
/// The newest value in a plot.
pub const VALUE: Face = Face { weight: 600, ..LABEL };

/// How a line is drawn; its `Display` form are the attributes of an element.
#[derive(Debug, Clone, Copy)]
pub struct Stroke {
    /// Its width.
    pub width: &'static str,
    /// Its dashes; empty where it is solid.
    pub dashes: &'static str,
}

impl fmt::Display for Stroke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fill=\"none\" stroke=\"currentColor\" stroke-width=\"{}\"", self.width)?;
        match self.dashes {
            "" => Ok(()),
            dashes => write!(f, " stroke-dasharray=\"{dashes}\""),
        }
    }
}

/// A thin solid line.
pub const THIN: Stroke = Stroke { width: "1", dashes: "" };
/// The outline of a mark.
pub const OUTLINE: Stroke = Stroke { width: "1.5", dashes: "" };

/// The line of the target with this index.
pub fn target_stroke(index: usize) -> Stroke {
    const DASHES: [&str; 3] = ["6 5", "12 5", "3 4"];
    Stroke { width: "1.4", dashes: DASHES[index % 3] }
}

/// What stands at a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A disc.
    Circle,
    /// A square.
    Square,
    /// A square on its tip.
    Diamond,
    /// A triangle on its base.
    Triangle,
    /// A triangle on its tip.
    Funnel,
}

impl Shape {
    /// The corners around the origin, such that all shapes look about as large as the disc; none for the disc.
    fn corners(self) -> &'static [(f64, f64)] {
        match self {
            Self::Circle => &[],
            Self::Square => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            Self::Diamond => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
            Self::Triangle => &[(0.0, -1.3), (1.2, 0.9), (-1.2, 0.9)],
            Self::Funnel => &[(0.0, 1.3), (1.2, -0.9), (-1.2, -0.9)],
        }
    }
}

/// A shape at a position.
#[derive(Debug, Clone, Copy, Template)]
#[template(path = "chart/templates/mark.svg")]
pub struct Mark {
    /// The shape.
    pub shape: Shape,
    /// Its centre.
    pub at: Position,
    /// The radius of a disc of its size.
    pub radius: f64,
}

/// How a series is drawn.
#[derive(Debug, Clone, Copy)]
pub struct SeriesStyle {
    /// Its colour.
    pub colour: Colour,
    /// Its line.
    pub stroke: Stroke,
    /// What stands at its values.
    pub shape: Shape,
}

/// One's own values.
pub const OWN_SERIES: SeriesStyle =
    SeriesStyle { colour: CHART[1], stroke: Stroke { width: "2", dashes: "" }, shape: Shape::Circle };

/// The benchmark with this index: no two of the first twelve are alike.
pub fn benchmark_series(index: usize) -> SeriesStyle {
    const DASHES: [&str; 3] = ["2 3", "8 3 2 3", "5 2"];
    const SHAPES: [Shape; 4] = [Shape::Square, Shape::Diamond, Shape::Triangle, Shape::Funnel];
    let stroke = Stroke { width: "1.6", dashes: DASHES[index % 3] };
    SeriesStyle { colour: CHART[2 + index % 3], stroke, shape: SHAPES[index % 4] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::reading::contrast;

    #[test]
    fn both_themes_have_contrast_enough() {
        assert!((contrast("#ffffff", "#000000") - 21.0).abs() < 0.001);
        let on_paper = |colour: &Colour| contrast(colour.light, PAPER.light).min(contrast(colour.dark, PAPER.dark));
        for text in [INK, QUIET] {
            assert!(on_paper(&text) >= 4.5, "{text}");
        }
        for colour in STAGES.iter().chain(&CHART).filter(|colour| colour.class != GRID.class) {
            assert!(on_paper(colour) >= 3.0, "{colour}");
        }
    }

    #[test]
    fn no_two_benchmarks_look_alike() {
        for one in 0..12 {
            for other in 0..one {
                let (one, other) = (benchmark_series(one), benchmark_series(other));
                assert!(one.shape != other.shape || one.stroke.dashes != other.stroke.dashes, "{one:?} and {other:?}");
            }
        }
    }
}
