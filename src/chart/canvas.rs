//! The canvas that a picture is drawn on, and the document around it.

use std::borrow::Borrow;
use std::fmt::{self, Write};

use askama::Template;
use askama::filters::Escaper;

use super::style::{self, Colour, Face};
use super::typesetting::Wrapped;
use crate::language::Language;

/// A picture's width, in px like all that follows.
pub const WIDTH: u32 = 320;
/// What is left empty on either side.
pub const MARGIN: u32 = 16;
/// What is left between the margins.
pub const CONTENT_WIDTH: u32 = WIDTH - 2 * MARGIN;

/// A whole picture; its `Display` form is the SVG document.
///
/// The light colours are attributes, which programs that know no CSS understand as well; the style sheet replaces them
/// by dark ones. All classes begin with `ms-`, since the style sheet of an inline picture holds for its whole page.
#[derive(Template)]
#[template(path = "chart/templates/document.svg")]
pub struct Document<'a> {
    id: &'a str,
    language: &'static str,
    title: &'a str,
    description: &'a str,
    colours: &'a [Colour],
    definitions: &'a str,
    canvas: &'a Canvas,
}

impl<'a> Document<'a> {
    /// The document around a canvas. `colours` are those that it uses besides [`style::COMMON`]; `definitions` are the
    /// elements of its `<defs>`.
    pub fn new(description: &'a Description, colours: &'a [Colour], definitions: &'a str, canvas: &'a Canvas) -> Self {
        let Description { id, language, title, text } = description;
        Self { id, language: language.tag(), title, description: text, colours, definitions, canvas }
    }
}

/// What a picture shows, in words.
#[derive(Debug)]
pub struct Description {
    /// What the ids in the picture begin with. Several pictures can stand inline in one page: different ones have
    /// different ids, equal ones equal ids.
    pub id: String,
    /// The language of its words.
    pub language: Language,
    /// Its name; cleaned, like the text.
    pub title: String,
    /// All that it shows, as sentences.
    pub text: String,
}

impl Description {
    /// A description with a title and sentences; those that are empty are left out.
    pub fn new(language: Language, title: String, sentences: &[String]) -> Self {
        let mut text = String::new();
        for sentence in sentences.iter().filter(|sentence| !sentence.is_empty()) {
            let space = if text.is_empty() { "" } else { " " };
            let stop = if sentence.ends_with(['.', '!', '?', '…']) { "" } else { "." };
            text.extend([space, sentence, stop]);
        }
        let id = format!("ms-{:08x}", fingerprint(&[&title, &text, language.tag()]));
        Self { id, language, title, text }
    }
}

/// FNV-1a.
fn fingerprint(texts: &[&str]) -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    for text in texts {
        // No text holds this byte, so that it separates them.
        for byte in text.bytes().chain([0xff]) {
            hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
    }
    hash
}

/// What is drawn so far, from the top down.
#[derive(Debug)]
pub struct Canvas {
    /// The elements.
    body: String,
    /// Where the next thing begins.
    pub y: u32,
}

impl Canvas {
    /// An empty canvas.
    pub fn new() -> Self {
        Self { body: String::new(), y: 12 }
    }

    /// Draws a rendered template.
    pub fn draw(&mut self, element: impl fmt::Display) -> fmt::Result {
        write!(self.body, "{element}")
    }

    /// Lays out lines of text below what there is; they aren't drawn yet.
    pub fn text(&mut self, text: &Wrapped, face: Face, colour: Colour) -> TextBlock {
        let mut lines = Vec::new();
        for line in &text.lines {
            self.y += face.line;
            lines.push((self.y - 4, line.clone()));
        }
        TextBlock { lines, face, colour }
    }

    /// Draws lines of text below what there is.
    pub fn draw_text(&mut self, text: &Wrapped, face: Face, colour: Colour) -> fmt::Result {
        let block = self.text(text, face, colour);
        self.draw(block)
    }

    /// The height of a picture that ends here.
    fn height(&self) -> u32 {
        self.y + 14
    }
}

impl Default for Canvas {
    fn default() -> Self {
        Self::new()
    }
}

/// Lines of text at the left margin.
#[derive(Debug, Template)]
#[template(path = "chart/templates/text_block.svg")]
pub struct TextBlock {
    /// The baseline of each line, and the line.
    lines: Vec<(u32, String)>,
    face: Face,
    colour: Colour,
}

/// Escapes text in templates for XML, within elements and attributes alike.
#[derive(Debug, Clone, Copy)]
pub struct Xml;

impl Escaper for Xml {
    fn write_escaped_str<W: Write>(&self, mut dest: W, text: &str) -> fmt::Result {
        for letter in text.chars() {
            match letter {
                '&' => dest.write_str("&amp;")?,
                '<' => dest.write_str("&lt;")?,
                '>' => dest.write_str("&gt;")?,
                '"' => dest.write_str("&quot;")?,
                '\'' => dest.write_str("&#39;")?,
                letter => dest.write_char(letter)?,
            }
        }
        Ok(())
    }
}

/// A length in px as SVG has it, to one decimal. Lengths are never negative: nothing is drawn beside the canvas.
/// Templates pass references.
pub fn px(length: impl Borrow<f64>) -> f64 {
    (length.borrow() * 10.0).round().max(0.0) / 10.0
}
