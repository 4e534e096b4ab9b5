//! What the service's pictures have in common: the sheet they are drawn on, its colours, and how text is set.
//!
//! A picture is one self-contained SVG for a widget of 320 px, on paper of its own, light or dark as the reader
//! prefers. Its title and description hold all of it in words. Nothing in it runs, and nothing is fetched.

use std::fmt::{self, Write};

/// A picture's width, in px like all that follows.
pub const WIDTH: u32 = 320;
/// What is left empty on either side.
pub const MARGIN: u32 = 16;
/// What is left between the margins.
pub const ROOM: u32 = WIDTH - 2 * MARGIN;

/// The colours of one theme. On the paper, text has a contrast of at least 4.5:1.
#[derive(Debug, Clone, Copy)]
pub struct Theme {
    /// What everything is drawn on.
    pub paper: &'static str,
    /// Text, and lines that matter as much.
    pub ink: &'static str,
    /// What may step back: axes, remarks.
    pub quiet: &'static str,
}

/// The colours for light surroundings.
pub const LIGHT: Theme = Theme { paper: "#ffffff", ink: "#1a1a1a", quiet: "#595959" };
/// The colours for dark surroundings.
pub const DARK: Theme = Theme { paper: "#1c1c20", ink: "#f2f2f2", quiet: "#c2c2c6" };

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

/// A whole picture; its `Display` form is the SVG document.
///
/// The light colours are attributes, which also programs that know no CSS draw; the style turns them dark. The classes
/// begin with `ms-` since the style of an inline picture holds for its whole page.
#[derive(Debug)]
pub struct Document<'a> {
    /// What the ids in it begin with: several pictures can stand inline in one page.
    pub id: &'a str,
    /// The language of its words (RFC 5646).
    pub language: &'a str,
    /// Its name; cleaned, like the description.
    pub title: &'a str,
    /// All that it shows, as sentences.
    pub description: &'a str,
    /// How high it is, in px.
    pub height: u32,
    /// The dark colours of the classes `ms-…` that it has besides those of [`DARK`].
    pub dark: &'a [(&'a str, &'a str)],
    /// What stands in its `<defs>`.
    pub definitions: &'a str,
    /// What is drawn.
    pub body: &'a str,
}

impl fmt::Display for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, height, definitions, body, .. } = self;
        write!(
            f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
             height=\"{height}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" lang=\"{0}\" xml:lang=\"{0}\" \
             class=\"ms-picture\" fill=\"currentColor\" font-family=\"system-ui, sans-serif\">\
             <title id=\"{id}-title\">{1}</title><desc id=\"{id}-desc\">{2}</desc>\
             <style>.ms-picture{{max-width:100%;height:auto}}.ms-picture,.ms-picture text{{forced-color-adjust:none}}\
             @media (prefers-color-scheme:dark){{",
            Escaped(self.language),
            Escaped(self.title),
            Escaped(self.description),
        )?;
        let common = [("paper", DARK.paper), ("ink", DARK.ink), ("quiet", DARK.quiet)];
        for (class, colour) in common.iter().chain(self.dark) {
            write!(f, ".ms-{class}{{color:{colour}}}")?;
        }
        write!(
            f,
            "}}</style><defs>{definitions}</defs>\
             <rect width=\"{WIDTH}\" height=\"{height}\" rx=\"8\" class=\"ms-paper\" color=\"{}\"/>{body}</svg>",
            LIGHT.paper,
        )
    }
}

/// What is drawn so far, from the top down.
#[derive(Debug)]
pub struct Sheet {
    /// The elements.
    pub body: String,
    /// Where the next thing begins.
    pub y: u32,
}

impl Sheet {
    /// An empty one.
    pub fn new() -> Self {
        Self { body: String::new(), y: 12 }
    }

    /// Adds lines of text, in the light colour of their class.
    pub fn lines(&mut self, text: &Wrapped, face: Face, class: &str, colour: &str) -> fmt::Result {
        if text.lines.is_empty() {
            return Ok(());
        }
        write!(
            self.body,
            "<g class=\"ms-{class}\" color=\"{colour}\" font-size=\"{}\" font-weight=\"{}\">",
            face.size, face.weight,
        )?;
        for line in &text.lines {
            self.y += face.line;
            write!(self.body, "<text x=\"{MARGIN}\" y=\"{}\">{}</text>", self.y - 4, Escaped(line))?;
        }
        self.body.push_str("</g>");
        Ok(())
    }

    /// How high a picture is that ends here.
    pub fn height(&self) -> u32 {
        self.y + 14
    }
}

impl Default for Sheet {
    fn default() -> Self {
        Self::new()
    }
}

/// What a picture's ids begin with. Several can stand inline in one page: each has ids of its own, equal ones equal
/// ids.
pub fn id(title: &str, description: &str, language: &str) -> String {
    format!("ms-{:08x}", fingerprint(&[title, description, language]))
}

/// FNV-1a.
fn fingerprint(texts: &[&str]) -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    for text in texts {
        // No text holds this byte, so that it keeps them apart.
        for byte in text.bytes().chain([0xff]) {
            hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
    }
    hash
}

/// Adds a sentence.
pub fn tell(told: &mut String, sentence: &str) {
    if sentence.is_empty() {
        return;
    }
    if !told.is_empty() {
        told.push(' ');
    }
    told.push_str(sentence);
    if !sentence.ends_with(['.', '!', '?', '…']) {
        told.push('.');
    }
}

/// The text on one line, without what XML has no place for: controls, and two code points that are no characters.
pub fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_space(letter) {
            if !cleaned.is_empty() && !cleaned.ends_with(' ') {
                cleaned.push(' ');
            }
        } else if !letter.is_control() && !matches!(letter, '\u{fffe}' | '\u{ffff}') {
            cleaned.push(letter);
        }
    }
    cleaned.truncate(cleaned.trim_end_matches(' ').len());
    cleaned
}

/// Whether a line may end here; not at the spaces that hold words together.
fn is_space(letter: char) -> bool {
    letter.is_whitespace() && !matches!(letter, '\u{a0}' | '\u{202f}')
}

/// A text in lines.
#[derive(Debug)]
pub struct Wrapped {
    /// The lines, from the top.
    pub lines: Vec<String>,
    /// Whether an ellipsis stands for the end of it.
    pub is_cut: bool,
}

/// Sets a cleaned text in at most `most` lines of `room` px. SVG neither wraps nor measures, so that widths are
/// those of a wide font, and other fonts leave some room.
pub fn wrap(text: &str, face: Face, room: u32, most: usize) -> Wrapped {
    let mut wrapped = Wrapped { lines: Vec::new(), is_cut: false };
    let room = u64::from(room) * 1000;
    let mut rest = text;
    while !rest.is_empty() {
        if width(rest, face) <= room {
            wrapped.lines.push(rest.to_owned());
            break;
        }
        if wrapped.lines.len() + 1 >= most {
            let start = start_within(rest, face, room.saturating_sub(width("…", face)));
            wrapped.lines.push(format!("{}…", start.trim_end_matches([' ', ',', ';', ':', '.', '-', '–'])));
            wrapped.is_cut = true;
            break;
        }
        let start = start_within(rest, face, room);
        let end = if rest[start.len()..].starts_with(' ') { Some(start.len()) } else { start.rfind(' ') };
        let (line, hyphen) = match end {
            Some(end) => (&rest[..end], ""),
            // One word that is wider than a line.
            None => match start_within(rest, face, room.saturating_sub(width("-", face))) {
                "" => (start, ""),
                start if is_amid_letters(rest, start.len()) => (start, "-"),
                start => (start, ""),
            },
        };
        if line.is_empty() {
            // Not even one character fits.
            wrapped.is_cut = true;
            break;
        }
        wrapped.lines.push(format!("{line}{hyphen}"));
        rest = rest[line.len()..].trim_start_matches(' ');
    }
    wrapped
}

fn is_amid_letters(text: &str, at: usize) -> bool {
    text[..at].ends_with(char::is_alphabetic) && text[at..].starts_with(char::is_alphabetic)
}

/// The longest start of the text that fits; it ends with a whole character, accents and joined emoji included.
fn start_within(text: &str, face: Face, room: u64) -> &str {
    let (mut end, mut sum, mut previous) = (0, 0, ' ');
    for (at, letter) in text.char_indices() {
        if !is_extending(letter) && previous != ZERO_WIDTH_JOINER {
            end = at;
        }
        sum += advance(letter, face);
        if sum > room {
            return &text[..end];
        }
        previous = letter;
    }
    text
}

/// A text's width, in thousandths of a px.
pub fn width(text: &str, face: Face) -> u64 {
    text.chars().map(|letter| advance(letter, face)).sum()
}

/// A character's width, in thousandths of a px; lighter fonts take a tenth less.
fn advance(letter: char, face: Face) -> u64 {
    let share = if face.weight < 600 { 9 } else { 10 };
    em(letter) * u64::from(face.size) * share / 10
}

const ZERO_WIDTH_JOINER: char = '\u{200d}';

/// How wide a character is, in thousandths of an em: about what DejaVu Sans Bold has, wider than most.
fn em(letter: char) -> u64 {
    match letter {
        letter if is_extending(letter) => 0,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => 0,
        ' ' | '\u{a0}' | '\u{202f}' | 'i' | 'j' | 'l' | 'I' | 'J' | '\'' | '.' | ',' | ':' | ';' | '|' => 400,
        'r' | 't' | 'f' | '(' | ')' | '[' | ']' | '-' | '/' | '!' | '’' | '‘' => 500,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | 'æ' | 'Æ' | 'œ' | 'Œ' | '…' | '—' | '&' => 1110,
        '0'..='9' | 'a'..='z' => 720,
        'A'..='Z' | '\u{a1}'..='\u{24f}' => 860,
        // Ideographs, emoji and their like.
        '\u{1100}'..='\u{11ff}' | '\u{2190}'.. => 1400,
        _ => 900,
    }
}

/// Whether it belongs to the character before it.
fn is_extending(letter: char) -> bool {
    matches!(
        letter,
        '\u{300}'..='\u{36f}'
            | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{fe20}'..='\u{fe2f}'
            | '\u{1f3fb}'..='\u{1f3ff}'
            | '\u{e0020}'..='\u{e007f}'
            | ZERO_WIDTH_JOINER
    )
}

/// A cleaned text as XML has it, within elements and attributes alike.
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                letter => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

/// A length in px, kept as tenths.
pub struct Tenths(pub u128);

impl fmt::Display for Tenths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 10 {
            0 => write!(f, "{}", self.0 / 10),
            tenth => write!(f, "{}.{tenth}", self.0 / 10),
        }
    }
}

#[cfg(test)]
pub mod reading {
    //! Reads pictures in tests.

    /// An element's name, its attributes, and the elements and text right in it.
    #[derive(Debug)]
    pub struct Element {
        /// Its name.
        pub name: String,
        /// Its attributes, in their order.
        pub attributes: Vec<(String, String)>,
        /// The elements in it.
        pub children: Vec<Element>,
        /// The text right in it.
        pub text: String,
    }

    impl Element {
        /// An attribute; empty where there is none.
        pub fn attribute(&self, name: &str) -> &str {
            self.attributes.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
        }

        fn all<'e>(&'e self, name: &str, found: &mut Vec<&'e Element>) {
            if self.name == name {
                found.push(self);
            }
            self.children.iter().for_each(|child| child.all(name, found));
        }

        /// All elements of this name within it, in their order.
        pub fn every(&self, name: &str) -> Vec<&Element> {
            let mut found = Vec::new();
            self.all(name, &mut found);
            found
        }

        /// All text in it.
        pub fn whole_text(&self) -> String {
            self.children.iter().fold(self.text.clone(), |text, child| text + &child.whole_text())
        }
    }

    fn unescape(text: &str) -> String {
        let mut pieces = text.split('&');
        let mut plain = pieces.next().unwrap().to_owned();
        for piece in pieces {
            let (entity, rest) = piece.split_once(';').expect("a bare &");
            plain.push(match entity {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "#39" => '\'',
                other => panic!("unknown entity {other}"),
            });
            plain.push_str(rest);
        }
        plain
    }

    /// Reads the subset of XML that a picture is, and fails on anything else.
    pub fn parse(svg: &str) -> Element {
        for letter in svg.chars() {
            assert!(matches!(letter, ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..), "{letter:?} in XML");
        }
        let root = Element { name: String::new(), attributes: Vec::new(), children: Vec::new(), text: String::new() };
        let mut open = vec![root];
        let mut rest = svg;
        while let Some((text, tail)) = rest.split_once('<') {
            assert!(!text.contains('>'), "a bare > in {text}");
            open.last_mut().unwrap().text += &unescape(text);
            let (tag, tail) = tail.split_once('>').expect("an open tag");
            rest = tail;
            if let Some(name) = tag.strip_prefix('/') {
                let element = open.pop().unwrap();
                assert_eq!(element.name, name, "closed in another order");
                open.last_mut().expect("closed once too often").children.push(element);
                continue;
            }
            let (tag, is_closed) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
            let (name, mut tail) = tag.split_once(' ').unwrap_or((tag, ""));
            assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase()), "an element {name:?}");
            let mut attributes: Vec<(String, String)> = Vec::new();
            while !tail.is_empty() {
                let (key, value) = tail.split_once("=\"").expect("an attribute");
                let (value, after) = value.split_once('"').expect("a quote that ends");
                assert!(key.bytes().all(|byte| byte.is_ascii_alphabetic() || b":-".contains(&byte)), "{key:?}");
                assert!(attributes.iter().all(|(other, _)| other != key), "{key} twice");
                attributes.push((key.to_owned(), unescape(value)));
                tail = after.strip_prefix(' ').unwrap_or(after);
            }
            let element = Element { name: name.to_owned(), attributes, children: Vec::new(), text: String::new() };
            if is_closed { open.last_mut().unwrap().children.push(element) } else { open.push(element) }
        }
        assert_eq!(rest, "", "text behind the end");
        let mut root = open.pop().unwrap();
        assert!(open.is_empty() && root.text.is_empty() && root.children.len() == 1, "not one closed root");
        root.children.pop().unwrap()
    }

    /// The contrast of two colours, as WCAG reckons it.
    pub fn contrast(one: &str, other: &str) -> f64 {
        let luminance = |colour: &str| {
            let share = |at: usize| {
                let part = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
                if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * share(1) + 0.7152 * share(3) + 0.0722 * share(5)
        };
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_not_cut() {
        let two = "Alle udvalg drøfter trivsel og nærvær mindst en gang";
        assert_eq!(wrap(two, TITLE, ROOM, 2).lines.join(" "), two);
        assert!(!wrap(two, TITLE, ROOM, 2).is_cut);
        assert!(wrap("", TITLE, ROOM, 2).lines.is_empty());
        // The ellipsis takes the place of a character, not of a word.
        let cut = wrap("Trivselsindsats", TITLE, 60, 1);
        assert!(cut.is_cut && cut.lines[0].starts_with("Triv"), "{:?}", cut.lines);
    }

    #[test]
    fn a_word_wider_than_a_line_is_hyphenated() {
        let word = "arbejdsmiljørepræsentantuddannelsesudvalgsformand";
        let lines = wrap(word, TITLE, ROOM, 2).lines;
        assert!(lines.len() == 2 && lines[0].ends_with('-'), "{lines:?}");
        assert_eq!(lines.concat().replace('-', ""), word);
        assert!(wrap(&"8".repeat(60), TITLE, ROOM, 2).lines[0].ends_with('8'));
    }

    #[test]
    fn every_line_fits_whatever_it_is_made_of() {
        let texts =
            ["WWWWWWWW mm ", "ææ Å", "漢字", "i", "e\u{301}", "👩\u{200d}👩\u{200d}👧 ", "\u{a0}x", " ", "\u{301}"];
        for text in texts {
            for count in [1, 3, 40, 200] {
                let text = clean(&text.repeat(count));
                for (room, most) in [(288, 2), (100, 1), (20, 1), (5, 2), (0, 1)] {
                    let wrapped = wrap(&text, TITLE, room as u32, most);
                    assert!(wrapped.lines.len() <= most);
                    for line in &wrapped.lines {
                        assert!(line == "…" || width(line, TITLE) <= room * 1000, "{line:?} in {room}");
                    }
                    let is_whole = wrapped.lines.concat().replace([' ', '-'], "") == text.replace(' ', "");
                    assert_eq!(is_whole, !wrapped.is_cut, "{text:?} {:?}", wrapped.lines);
                }
            }
        }
    }

    #[test]
    fn a_cut_leaves_accents_and_families_whole() {
        let accents = wrap(&"e\u{301}".repeat(99), TITLE, 100, 1).lines.concat();
        assert!(accents.ends_with("e\u{301}…"), "{accents:?}");
        for room in 80..200 {
            let families = wrap(&"👩\u{200d}👩\u{200d}👧".repeat(9), TITLE, room, 1).lines.concat();
            assert!(families.ends_with("👧…") && families.starts_with("👩"), "{families:?} in {room}");
        }
    }
}
