//! What all pictures have in common: the canvas, the style, and how text is set.
//!
//! A picture is one self-contained SVG for a widget of 320 px, on a background of its own, light or dark as the reader
//! prefers. Its title and description hold all of it in words. Nothing in it runs, and nothing is fetched.
//!
//! `style` holds all colours and fonts, `typesetting` breaks text into lines, `scale` and `period_axis` label the axes,
//! `label_placement` finds room for labels in a plot. The SVG itself is in templates (`templates/*.svg`).

mod canvas;
pub mod label_placement;
pub mod period_axis;
pub mod scale;
pub mod style;
pub mod typesetting;

#[cfg(test)]
pub mod reading;

pub use canvas::{CONTENT_WIDTH, Canvas, Description, Document, MARGIN, TextBlock, WIDTH, Xml, px};
