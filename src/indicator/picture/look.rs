//! What lines, marks and texts look like.

use std::fmt::{self, Write};

use crate::svg::{Face, LIGHT, Tenths};

/// What stands in place of values.
pub const REMARK: Face = Face { size: 13, line: 18, weight: 400 };
/// The names and numbers along the axes.
pub const AXIS: Face = Face { size: 11, line: 15, weight: 400 };
/// What is written amid the lines.
pub const LABEL: Face = Face { size: 12, line: 16, weight: 400 };
/// The newest value.
pub const VALUE: Face = Face { weight: 600, ..LABEL };
/// What is written in the legend.
pub const LEGEND: Face = Face { size: 12, line: 19, weight: 400 };

/// A class without its `ms-`, and its colour in light surroundings.
#[derive(Debug, Clone, Copy)]
pub struct Colour {
    class: &'static str,
    light: &'static str,
}

/// What everything is drawn on.
pub const PAPER: Colour = Colour { class: "paper", light: LIGHT.paper };
/// Text and targets.
pub const INK: Colour = Colour { class: "ink", light: LIGHT.ink };
/// Axes.
pub const QUIET: Colour = Colour { class: "quiet", light: LIGHT.quiet };
/// Lines across the plot, which may be missed.
pub const GRID: Colour = Colour { class: "grid", light: "#dcdcdf" };

/// Blue, orange, green and purple after Okabe and Ito, dark enough for white paper.
const OWN: Colour = Colour { class: "own", light: "#0072b2" };
const OTHERS: [Colour; 3] = [
    Colour { class: "other0", light: "#b86200" },
    Colour { class: "other1", light: "#007a58" },
    Colour { class: "other2", light: "#a8487f" },
];

/// The colours in dark surroundings of all classes that not every picture has.
pub const DARK_COLOURS: [(&str, &str); 5] =
    [("grid", "#3c3c42"), ("own", "#56b4e9"), ("other0", "#f0a830"), ("other1", "#35c99b"), ("other2", "#e59cc8")];

/// How a series is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Its colour.
    pub colour: Colour,
    /// Its line.
    pub stroke: Stroke,
    /// What stands at its values.
    pub shape: Shape,
}

/// A line's attributes.
#[derive(Debug, Clone, Copy)]
pub struct Stroke {
    /// Its width.
    pub width: &'static str,
    /// Its dashes; empty where it is solid.
    pub dashes: &'static str,
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

/// How one's own values are drawn.
pub const OWN_LOOK: Look = Look { colour: OWN, stroke: Stroke { width: "2", dashes: "" }, shape: Shape::Circle };

/// How the benchmark at a place is drawn: no two of the first twelve alike.
pub fn benchmark(at: usize) -> Look {
    const DASHES: [&str; 3] = ["2 3", "8 3 2 3", "5 2"];
    const SHAPES: [Shape; 4] = [Shape::Square, Shape::Diamond, Shape::Triangle, Shape::Funnel];
    let stroke = Stroke { width: "1.6", dashes: DASHES[at % 3] };
    Look { colour: OTHERS[at % 3], stroke, shape: SHAPES[at % 4] }
}

/// How wide a target's line is.
pub const TARGET_WIDTH: &str = "1.4";

/// The dashes of the target at a place.
pub fn target_dashes(at: usize) -> &'static str {
    const DASHES: [&str; 3] = ["6 5", "12 5", "3 4"];
    DASHES[at % 3]
}

/// A colour as attributes.
impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "class=\"ms-{}\" color=\"{}\"", self.class, self.light)
    }
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

/// A place, in px.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

/// A coordinate with one decimal.
pub fn px(length: f64) -> Tenths {
    // Far less than any limit, and never negative: nothing is drawn beside the sheet.
    Tenths((length * 10.0).round().max(0.0) as u128)
}

impl Shape {
    /// Adds the shape around a place.
    pub fn draw(self, body: &mut String, at: Place, radius: f64) -> fmt::Result {
        // The corners, such that all shapes look about as large as the disc.
        let corners: &[(f64, f64)] = match self {
            Self::Circle => {
                return write!(body, "<circle cx=\"{}\" cy=\"{}\" r=\"{}\"/>", px(at.x), px(at.y), px(radius));
            }
            Self::Square => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            Self::Diamond => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
            Self::Triangle => &[(0.0, -1.3), (1.2, 0.9), (-1.2, 0.9)],
            Self::Funnel => &[(0.0, 1.3), (1.2, -0.9), (-1.2, -0.9)],
        };
        body.push_str("<polygon points=\"");
        for (n, (x, y)) in corners.iter().enumerate() {
            let space = if n == 0 { "" } else { " " };
            write!(body, "{space}{},{}", px(at.x + x * radius), px(at.y + y * radius))?;
        }
        body.push_str("\"/>");
        Ok(())
    }
}

/// The pattern of hidden periods.
pub fn hatching(id: &str) -> String {
    format!(
        "<pattern id=\"{id}-hidden\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\" {QUIET}><path d=\"M0 0h1.6v4h-1.6z\"/></pattern>",
    )
}

/// A block of hidden periods, its left edge in the middle of its height at a place.
pub fn hidden(body: &mut String, id: &str, at: Place, width: f64) -> fmt::Result {
    // On paper of its own, so that no tick goes through it.
    for look in [format!("{PAPER}"), format!("{QUIET} fill=\"url(#{id}-hidden)\" stroke=\"currentColor\"")] {
        write!(
            body,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" {look}/>",
            px(at.x),
            px(at.y - HIDDEN_HEIGHT / 2.0),
            px(width),
            px(HIDDEN_HEIGHT),
        )?;
    }
    Ok(())
}

/// How high the block of a hidden period is.
pub const HIDDEN_HEIGHT: f64 = 7.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::svg::DARK;
    use crate::svg::reading::contrast;

    #[test]
    fn lines_and_marks_have_contrast_enough() {
        for colour in [INK, QUIET, OWN].iter().chain(&OTHERS) {
            assert!(contrast(colour.light, LIGHT.paper) >= 3.0, "{colour}");
        }
        for (class, colour) in DARK_COLOURS.into_iter().filter(|(class, _)| *class != "grid") {
            assert!(contrast(colour, DARK.paper) >= 3.0, "{class}");
        }
    }

    #[test]
    fn no_two_benchmarks_look_alike() {
        for one in 0..12 {
            for other in 0..one {
                let (one, other) = (benchmark(one), benchmark(other));
                assert!(one.shape != other.shape || one.stroke.dashes != other.stroke.dashes, "{one:?} and {other:?}");
            }
        }
    }
}
