//! The picture of progress: one self-contained SVG with a bar by stage for every set of figures.
//!
//! It is drawn for a widget of 320 px, on paper of its own, light or dark as the reader prefers. No stage is told
//! by its colour alone: each has a pattern, a gap to the next, and its name and count below the bar; the title and
//! description hold all of it in words. Nothing in it runs, and nothing is fetched.

use std::fmt::{self, Write};

/// A picture: a heading with one to three bars below it.
///
/// Its `Display` form is the SVG document. What is drawn depends on these fields alone, to the byte.
#[derive(Debug, Clone)]
pub struct Picture<'a> {
    /// What the figures are about; wrapped, and cut after two lines.
    pub title: &'a str,
    /// The line below the title, such as the day: `pr. 22. november 2026`. Left out where it is empty.
    pub subtitle: &'a str,
    /// The bars, from the top.
    pub bars: Vec<Bar<'a>>,
    /// What the picture says in the answer's language.
    pub words: Words<'a>,
}

/// One bar: how many assignments are at each stage.
#[derive(Debug, Clone, Copy)]
pub struct Bar<'a> {
    /// What the bar counts; wrapped, and cut after two lines. Left out where it is empty.
    pub title: &'a str,
    /// How many are done, in progress, not started and dropped, in that order.
    pub stages: [u64; 4],
    /// The figures in a sentence: `37 af 52 udvalg er i mål`. Not shown where the stages add up to nothing.
    pub caption: &'a str,
}

/// Words in the answer's language.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    /// The language: `da` or `en`.
    pub language: &'a str,
    /// The names of the stages, in the order of [`Bar::stages`].
    pub stages: [&'a str; 4],
    /// The caption of a bar where nothing is expected.
    pub nothing: &'a str,
}

/// The picture's width, in px like all that follows.
const WIDTH: u32 = 320;
const MARGIN: u32 = 16;
/// What is left between the margins.
const ROOM: u32 = WIDTH - 2 * MARGIN;
const BAR_HEIGHT: u32 = 24;
const SWATCH: u32 = 12;
/// From the left edge of a swatch to the text beside it.
const SWATCH_ROOM: u32 = SWATCH + 6;
/// From one column of the legend to the next, and how much of that its text leaves empty.
const COLUMN: u32 = ROOM / 2 + 2;
const COLUMN_GAP: u32 = 4;
const LEGEND_LINE: u32 = 19;

/// A bar is measured in tenths of a px.
const BAR: u128 = ROOM as u128 * 10;
/// Between two segments.
const GAP: u128 = 20;
/// The narrowest segment: two px of outline and one of the pattern.
const NARROWEST: u128 = 30;

/// The colours of one theme. On the paper, text has a contrast of at least 4.5:1, the rest at least 3:1.
struct Theme {
    paper: &'static str,
    ink: &'static str,
    quiet: &'static str,
    stages: [&'static str; 4],
}

/// Blue and orange after Okabe and Ito, dark enough for white paper; greys for what isn't under way.
const LIGHT: Theme =
    Theme { paper: "#ffffff", ink: "#1a1a1a", quiet: "#595959", stages: ["#0072b2", "#b86200", "#6b6b6b", "#4d4d4d"] };
const DARK: Theme =
    Theme { paper: "#1c1c20", ink: "#f2f2f2", quiet: "#c2c2c6", stages: ["#56b4e9", "#f0a830", "#a3a3a8", "#d0d0d4"] };

/// How a text is set: size and line height in px, and weight.
#[derive(Clone, Copy)]
struct Face {
    size: u32,
    line: u32,
    weight: u32,
}

const TITLE: Face = Face { size: 14, line: 19, weight: 600 };
const SUBTITLE: Face = Face { size: 12, line: 17, weight: 400 };
const BAR_TITLE: Face = Face { size: 13, line: 18, weight: 600 };
const CAPTION: Face = Face { size: 13, line: 18, weight: 400 };
const LEGEND: Face = Face { size: 12, line: LEGEND_LINE, weight: 400 };
const COUNT: Face = Face { weight: 600, ..LEGEND };

impl fmt::Display for Picture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = clean(self.title);
        let language = clean(self.words.language);
        let description = self.description();
        // Several pictures can stand inline in one page: each has ids of its own, equal ones equal ids.
        let id = format!("ms-{:08x}", fingerprint(&[&title, &description, &language]));
        let mut sheet = Sheet { body: String::new(), y: 12, id: &id, words: self.words };
        sheet.lines(&wrap(&title, TITLE, ROOM, 2), TITLE, "ink", LIGHT.ink)?;
        sheet.lines(&wrap(&clean(self.subtitle), SUBTITLE, ROOM, 1), SUBTITLE, "quiet", LIGHT.quiet)?;
        for bar in &self.bars {
            sheet.bar(bar)?;
        }
        let height = sheet.y + 14;
        write!(
            f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
             height=\"{height}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" lang=\"{0}\" xml:lang=\"{0}\" \
             class=\"ms-picture\" fill=\"currentColor\" font-family=\"system-ui, sans-serif\">\
             <title id=\"{id}-title\">{1}</title><desc id=\"{id}-desc\">{2}</desc>",
            Escaped(&language),
            Escaped(&title),
            Escaped(&description),
        )?;
        style(f)?;
        patterns(f, &id)?;
        write!(
            f,
            "<rect width=\"{WIDTH}\" height=\"{height}\" rx=\"8\" class=\"ms-paper\" color=\"{}\"/>{}</svg>",
            LIGHT.paper, sheet.body,
        )
    }
}

impl Picture<'_> {
    /// All that the picture shows, as sentences.
    fn description(&self) -> String {
        let mut told = String::new();
        tell(&mut told, &clean(self.subtitle));
        for bar in &self.bars {
            let title = clean(bar.title);
            let caption = clean(if bar.is_empty() { self.words.nothing } else { bar.caption });
            let colon = if title.is_empty() || caption.is_empty() { "" } else { ": " };
            tell(&mut told, &format!("{title}{colon}{caption}"));
            if !bar.is_empty() {
                let counts: Vec<String> = (self.words.stages.iter().zip(bar.stages))
                    .map(|(name, count)| format!("{}: {}", clean(name), number(count, self.words.language)))
                    .collect();
                tell(&mut told, &counts.join(", "));
            }
        }
        told
    }
}

/// Adds a sentence.
fn tell(told: &mut String, sentence: &str) {
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

/// The light colours are attributes, which also programs that know no CSS draw; the style turns them dark.
///
/// The classes begin with `ms-` since the style of an inline picture holds for its whole page.
fn style(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(
        "<style>.ms-picture{max-width:100%;height:auto}.ms-picture,.ms-picture text{forced-color-adjust:none}\
         @media (prefers-color-scheme:dark){",
    )?;
    let Theme { paper, ink, quiet, stages } = DARK;
    write!(f, ".ms-paper{{color:{paper}}}.ms-ink{{color:{ink}}}.ms-quiet{{color:{quiet}}}")?;
    for (stage, colour) in stages.iter().enumerate() {
        write!(f, ".ms-stage{stage}{{color:{colour}}}")?;
    }
    f.write_str("}</style>")
}

/// What fills the segments: stripes in progress, dots not started, a lattice dropped. Done is solid.
fn patterns(f: &mut fmt::Formatter<'_>, id: &str) -> fmt::Result {
    let shapes = [
        (1, " patternTransform=\"rotate(45)\"", "<path d=\"M0 0h3.5v6h-3.5z\"/>"),
        (2, "", "<circle cx=\"2.5\" cy=\"2.5\" r=\"1\"/>"),
        (3, "", "<path d=\"M-1 -1l8 8M7 -1l-8 8\" stroke=\"currentColor\" stroke-width=\"1.3\"/>"),
    ];
    f.write_str("<defs>")?;
    for (stage, turned, shape) in shapes {
        write!(
            f,
            "<pattern id=\"{id}-stage{stage}\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\"{turned} \
             class=\"ms-stage{stage}\" color=\"{}\">{shape}</pattern>",
            LIGHT.stages[stage],
        )?;
    }
    f.write_str("</defs>")
}

/// What is drawn so far, from the top down.
struct Sheet<'a> {
    body: String,
    /// Where the next thing begins.
    y: u32,
    id: &'a str,
    words: Words<'a>,
}

impl Sheet<'_> {
    fn lines(&mut self, text: &Wrapped, face: Face, class: &str, colour: &str) -> fmt::Result {
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

    fn bar(&mut self, bar: &Bar<'_>) -> fmt::Result {
        self.y += 10;
        self.body.push_str("<g>");
        let title = clean(bar.title);
        let wrapped = wrap(&title, BAR_TITLE, ROOM, 2);
        if wrapped.is_cut {
            // Shown when the pointer rests on the bar.
            write!(self.body, "<title>{}</title>", Escaped(&title))?;
        }
        self.lines(&wrapped, BAR_TITLE, "ink", LIGHT.ink)?;
        let caption = clean(if bar.is_empty() { self.words.nothing } else { bar.caption });
        self.lines(&wrap(&caption, CAPTION, ROOM, 2), CAPTION, "ink", LIGHT.ink)?;
        self.y += 5;
        if bar.is_empty() {
            self.empty_track()?;
        } else {
            self.segments(bar.stages)?;
            self.legend(bar.stages)?;
        }
        self.body.push_str("</g>");
        Ok(())
    }

    fn empty_track(&mut self) -> fmt::Result {
        write!(
            self.body,
            "<rect x=\"{MARGIN}.5\" y=\"{}.5\" width=\"{}\" height=\"{}\" class=\"ms-quiet\" color=\"{}\" \
             fill=\"none\" stroke=\"currentColor\" stroke-dasharray=\"4 3\"/>",
            self.y,
            ROOM - 1,
            BAR_HEIGHT - 1,
            LIGHT.quiet,
        )?;
        self.y += BAR_HEIGHT;
        Ok(())
    }

    fn segments(&mut self, stages: [u64; 4]) -> fmt::Result {
        let mut x = u128::from(MARGIN) * 10;
        for (stage, width) in widths(stages).into_iter().enumerate() {
            if width > 0 {
                self.block(stage, x, self.y, width, BAR_HEIGHT)?;
                x += width + GAP;
            }
        }
        self.y += BAR_HEIGHT;
        Ok(())
    }

    fn legend(&mut self, stages: [u64; 4]) -> fmt::Result {
        self.y += 6;
        let room = COLUMN - SWATCH_ROOM - COLUMN_GAP;
        let words = self.words;
        let mut texts = String::new();
        for ((stage, name), count) in words.stages.iter().enumerate().zip(stages) {
            let x = if stage % 2 == 0 { MARGIN } else { MARGIN + COLUMN };
            let top = self.y + if stage < 2 { 0 } else { LEGEND_LINE };
            self.block(stage, u128::from(x) * 10, top + 3, u128::from(SWATCH) * 10, SWATCH)?;
            let count = number(count, words.language);
            let taken = (width(&count, COUNT) + width(" ", LEGEND)).div_ceil(1000);
            let name = wrap(&clean(name), LEGEND, room.saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX)), 1)
                .lines
                .concat();
            write!(
                texts,
                "<text x=\"{}\" y=\"{}\">{} <tspan font-weight=\"{}\">{count}</tspan></text>",
                x + SWATCH_ROOM,
                top + 13,
                Escaped(&name),
                COUNT.weight,
            )?;
        }
        self.y += 2 * LEGEND_LINE;
        write!(self.body, "<g class=\"ms-ink\" color=\"{}\" font-size=\"{}\">{texts}</g>", LIGHT.ink, LEGEND.size)
    }

    /// A stage's pattern within its outline; `x` and `width` are tenths of a px.
    fn block(&mut self, stage: usize, x: u128, y: u32, width: u128, height: u32) -> fmt::Result {
        // Moved rather than placed: the pattern begins anew in each.
        write!(
            self.body,
            "<rect transform=\"translate({} {y}.5)\" width=\"{}\" height=\"{}\" class=\"ms-stage{stage}\" \
             color=\"{}\" ",
            Tenths(x + 5),
            Tenths(width - 10),
            height - 1,
            LIGHT.stages[stage],
        )?;
        match stage {
            0 => self.body.push_str("fill=\"currentColor\""),
            _ => write!(self.body, "fill=\"url(#{}-stage{stage})\"", self.id)?,
        }
        self.body.push_str(" stroke=\"currentColor\"/>");
        Ok(())
    }
}

impl Bar<'_> {
    fn is_empty(&self) -> bool {
        self.stages == [0; 4]
    }
}

/// The segments' widths, in tenths of a px: together with the gaps between them they fill the bar, none is too
/// narrow to be seen, and a larger count is never narrower than a smaller one. Zero for those that count nothing.
fn widths(stages: [u64; 4]) -> [u128; 4] {
    let counts = stages.map(u128::from);
    let shown = counts.iter().filter(|count| **count > 0).count() as u128;
    if shown == 0 {
        return [0; 4];
    }
    let mut is_narrow = [false; 4];
    loop {
        // What the narrow ones take goes off all others, of which more may become too narrow by that.
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
            // Less than a tenth of each is left over, which the largest doesn't show.
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

/// A count as it is written: `9876`, `12.345` in Danish, `12,345` in English.
pub fn number(count: u64, language: &str) -> String {
    let digits = count.to_string();
    if count < 10_000 {
        return digits;
    }
    let separator = if language == "en" { ',' } else { '.' };
    let mut written = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            written.push(separator);
        }
        written.push(digit);
    }
    written
}

/// The text on one line, without what XML has no place for: controls, and two code points that are no characters.
fn clean(text: &str) -> String {
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
struct Wrapped {
    lines: Vec<String>,
    /// Whether an ellipsis stands for the end of it.
    is_cut: bool,
}

/// Sets a cleaned text in at most `most` lines of `room` px. SVG neither wraps nor measures, so that widths are
/// those of a wide font, and other fonts leave some room.
fn wrap(text: &str, face: Face, room: u32, most: usize) -> Wrapped {
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
fn width(text: &str, face: Face) -> u64 {
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

/// A cleaned text as XML has it, within elements and attributes alike.
struct Escaped<'a>(&'a str);

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
struct Tenths(u128);

impl fmt::Display for Tenths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 10 {
            0 => write!(f, "{}", self.0 / 10),
            tenth => write!(f, "{}.{tenth}", self.0 / 10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DANISH: Words<'_> = Words {
        language: "da",
        stages: ["I mål", "I gang", "Ikke begyndt", "Opgivet"],
        nothing: "Der er intet at nå endnu",
    };

    fn bar(stages: [u64; 4]) -> Bar<'static> {
        Bar { title: "Planens handlinger", stages, caption: "37 af 52 udvalg er i mål" }
    }

    fn picture<'a>(title: &'a str, bars: Vec<Bar<'a>>) -> Picture<'a> {
        Picture { title, subtitle: "pr. 22. november 2026", bars, words: DANISH }
    }

    /// An element's name, its attributes, and the elements and text right in it.
    #[derive(Debug)]
    struct Element {
        name: String,
        attributes: Vec<(String, String)>,
        children: Vec<Element>,
        text: String,
    }

    impl Element {
        fn attribute(&self, name: &str) -> &str {
            self.attributes.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
        }

        fn all<'e>(&'e self, name: &str, found: &mut Vec<&'e Element>) {
            if self.name == name {
                found.push(self);
            }
            self.children.iter().for_each(|child| child.all(name, found));
        }

        fn every(&self, name: &str) -> Vec<&Element> {
            let mut found = Vec::new();
            self.all(name, &mut found);
            found
        }

        fn whole_text(&self) -> String {
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
    fn parse(svg: &str) -> Element {
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

    fn drawn(picture: &Picture<'_>) -> Element {
        parse(&picture.to_string())
    }

    fn length(element: &Element, attribute: &str) -> f64 {
        element.attribute(attribute).parse().unwrap()
    }

    /// Where a block of a stage begins.
    fn corner(rect: &Element) -> (f64, f64) {
        let corner = rect.attribute("transform").strip_prefix("translate(").and_then(|rest| rest.strip_suffix(')'));
        let (x, y) = corner.and_then(|corner| corner.split_once(' ')).unwrap_or(("0", "0"));
        (x.parse().unwrap(), y.parse().unwrap())
    }

    /// The rectangles of the bars: those as high as a bar.
    fn segments(svg: &Element) -> Vec<&Element> {
        svg.every("rect").into_iter().filter(|rect| rect.attribute("height") == "23").collect()
    }

    fn texts(svg: &Element) -> Vec<String> {
        svg.every("text").iter().map(|text| text.whole_text()).collect()
    }

    /// Counts of every size beside each other.
    fn mixtures() -> impl Iterator<Item = [u64; 4]> {
        const COUNTS: [u64; 8] = [0, 1, 2, 51, 52, 999, 1_000_000, u64::MAX];
        (0..COUNTS.len().pow(4)).map(|at| [at / 512, at / 64 % 8, at / 8 % 8, at % 8].map(|each| COUNTS[each]))
    }

    #[test]
    fn the_segments_and_gaps_fill_the_bar() {
        for stages in mixtures().filter(|stages| *stages != [0; 4]) {
            let widths = widths(stages);
            let shown = widths.iter().filter(|width| **width > 0).count() as u128;
            assert_eq!(widths.iter().sum::<u128>() + GAP * (shown - 1), BAR, "{stages:?} {widths:?}");
        }
        let svg = drawn(&picture("A", vec![bar([37, 5, 9, 1])]));
        let rects = segments(&svg);
        assert_eq!(rects.len(), 4);
        let mut x = 16.0;
        for rect in rects {
            // The outline is drawn half a px to either side.
            assert!((corner(rect).0 - 0.5 - x).abs() < 0.001, "{rect:?} at {x}");
            x += length(rect, "width") + 1.0 + 2.0;
        }
        assert!((x - 2.0 - 304.0).abs() < 0.001, "ends at {x}");
    }

    #[test]
    fn a_larger_count_is_never_narrower_and_none_vanishes() {
        for stages in mixtures() {
            let widths = widths(stages);
            for (count, width) in stages.iter().zip(widths) {
                assert_eq!(*count > 0, width > 0, "{stages:?} {widths:?}");
                assert!(width == 0 || width >= 20, "{stages:?} {widths:?}");
                for (other, other_width) in stages.iter().zip(widths) {
                    assert!(count <= other || width >= other_width, "{stages:?} {widths:?}");
                }
            }
        }
        // 288 px less two gaps of 2 px, and in proportion where all are wide enough.
        assert_eq!(widths([1, 1, 0, 2]), [710, 710, 0, 1420]);
        assert_eq!(widths([1, 0, 0, 100_000]), [30, 0, 0, 2830]);
        let svg = drawn(&picture("A", vec![bar([1, 0, 0, 100_000])]));
        assert_eq!(segments(&svg)[0].attribute("width"), "2");
    }

    #[test]
    fn the_stages_keep_their_order_and_patterns() {
        let svg = drawn(&picture("A", vec![bar([1, 2, 3, 4])]));
        let fills: Vec<&str> = segments(&svg).iter().map(|rect| rect.attribute("fill")).collect();
        assert_eq!(fills[0], "currentColor");
        let patterns = svg.every("pattern");
        for (fill, pattern) in fills[1..].iter().zip(&patterns) {
            assert_eq!(*fill, format!("url(#{})", pattern.attribute("id")));
        }
        let shapes: Vec<String> = patterns.iter().map(|pattern| format!("{:?}", pattern.children)).collect();
        assert!(shapes.len() == 3 && shapes[0] != shapes[1] && shapes[1] != shapes[2] && shapes[0] != shapes[2]);
        let legend = &texts(&svg)[4..];
        assert_eq!(legend, ["I mål 1", "I gang 2", "Ikke begyndt 3", "Opgivet 4"]);
        let swatches: Vec<&Element> =
            svg.every("rect").into_iter().filter(|rect| rect.attribute("height") == "11").collect();
        assert_eq!(swatches.iter().map(|rect| rect.attribute("fill")).collect::<Vec<_>>(), fills);
    }

    #[test]
    fn where_nothing_is_expected_the_track_is_empty() {
        let svg = drawn(&picture("A", vec![bar([0; 4])]));
        assert_eq!(texts(&svg), ["A", "pr. 22. november 2026", "Planens handlinger", "Der er intet at nå endnu"]);
        let tracks = segments(&svg);
        assert_eq!(tracks.len(), 1);
        assert_eq!((tracks[0].attribute("fill"), tracks[0].attribute("width")), ("none", "287"));
        let description = "pr. 22. november 2026. Planens handlinger: Der er intet at nå endnu.";
        assert_eq!(svg.every("desc")[0].text, description);
    }

    #[test]
    fn the_description_tells_every_number() {
        let svg = drawn(&picture("Trivsel", vec![bar([37, 5, 9, 12_345]), bar([0, 0, 1, 0])]));
        assert_eq!(svg.every("title")[0].text, "Trivsel");
        assert_eq!(
            svg.every("desc")[0].text,
            "pr. 22. november 2026. Planens handlinger: 37 af 52 udvalg er i mål. I mål: 37, I gang: 5, \
             Ikke begyndt: 9, Opgivet: 12.345. Planens handlinger: 37 af 52 udvalg er i mål. I mål: 0, I gang: 0, \
             Ikke begyndt: 1, Opgivet: 0.",
        );
    }

    #[test]
    fn the_root_is_an_image_with_a_name_and_a_language() {
        let svg = drawn(&picture("A", vec![bar([1, 2, 3, 4]); 3]));
        assert_eq!((svg.name.as_str(), svg.attribute("role")), ("svg", "img"));
        assert_eq!((svg.attribute("lang"), svg.attribute("xml:lang")), ("da", "da"));
        let named: Vec<&str> = svg.attribute("aria-labelledby").split(' ').collect();
        assert_eq!(named, [svg.children[0].attribute("id"), svg.children[1].attribute("id")]);
        assert_eq!((svg.children[0].name.as_str(), svg.children[1].name.as_str()), ("title", "desc"));
        assert_eq!(svg.attribute("viewBox"), format!("0 0 320 {}", svg.attribute("height")));
    }

    #[test]
    fn ids_are_unique_and_those_of_another_picture_differ() {
        fn ids<'e>(element: &'e Element, found: &mut Vec<&'e str>) {
            found.extend(element.attributes.iter().filter(|(key, _)| key == "id").map(|(_, id)| id.as_str()));
            element.children.iter().for_each(|child| ids(child, found));
        }
        let svgs = [bar([1, 2, 3, 4]), bar([1, 2, 3, 5])].map(|bar| drawn(&picture("A", vec![bar; 3])));
        let mut found = Vec::new();
        svgs.iter().for_each(|svg| ids(svg, &mut found));
        assert_eq!(found.len(), 2 * 5);
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), 2 * 5);
    }

    #[test]
    fn nothing_of_it_reaches_below_or_beside_the_picture() {
        for count in 0..=4 {
            for stages in [[1, 2, 3, 4], [0; 4], [u64::MAX; 4]] {
                let svg = drawn(&picture(&"Et ord ".repeat(40), vec![bar(stages); count]));
                let height = length(&svg, "height");
                let mut last = 0.0;
                for element in svg.every("text").into_iter().chain(svg.every("rect")) {
                    let extent = if element.name == "rect" { length(element, "height") } else { 4.0 };
                    let (left, top) = corner(element);
                    let y = top + element.attribute("y").parse().unwrap_or(0.0);
                    assert!(y + extent <= height, "{element:?} in {height}");
                    let x = left + element.attribute("x").parse().unwrap_or(0.0);
                    let wide = element.attribute("width").parse().unwrap_or(0.0);
                    assert!(x + wide <= 320.0, "{element:?}");
                    if element.name == "text" {
                        assert!(y >= last, "{element:?} above {last}");
                        last = y;
                    }
                }
            }
        }
    }

    #[test]
    fn text_of_users_stays_text() {
        let hostile =
            "</title><script>alert('1')</script> \"a\" & b ]]> \u{0}\u{8}\u{1b}\u{7f}\u{fffe}\u{ffff}c\td\r\ne\u{85}f";
        let words = Words { language: "da\" onload=\"x", stages: [hostile; 4], nothing: hostile };
        for stages in [[0; 4], [1, 2, 3, 4]] {
            let bars = vec![Bar { title: hostile, stages, caption: hostile }];
            let svg = drawn(&Picture { title: hostile, subtitle: hostile, bars, words });
            assert_eq!(svg.children[0].text, "</title><script>alert('1')</script> \"a\" & b ]]> c d e f");
            assert!(svg.every("script").is_empty());
            assert_eq!(svg.attribute("lang"), "da\" onload=\"x");
            assert_eq!(svg.attribute("onload"), "");
        }
    }

    #[test]
    fn a_long_title_ends_in_the_second_line() {
        let long = "Sygefraværet drøftes hvert halve år i alle arbejdspladsernes udvalg, og ".repeat(3);
        let svg = drawn(&picture(&long, vec![Bar { title: &long, ..bar([1, 2, 3, 4]) }]));
        let lines = texts(&svg);
        assert_eq!(lines[0], "Sygefraværet drøftes hvert halve");
        assert!(lines[1].starts_with("år i alle") && lines[1].ends_with('…'), "{lines:?}");
        assert_eq!(lines[2], "pr. 22. november 2026");
        assert!(lines[4].ends_with('…') && lines[5] == "37 af 52 udvalg er i mål", "{lines:?}");
        // Whole in the titles, which a pointer shows, and in the description.
        assert!(svg.every("title").iter().all(|title| title.text == long.trim_end()));
        assert_eq!(svg.every("title").len(), 2);
        assert!(svg.every("desc")[0].text.contains(long.trim_end()));
    }

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

    #[test]
    fn a_long_stage_name_gives_way_to_its_count() {
        let words = Words { stages: ["Drøftet og taget til efterretning"; 4], ..DANISH };
        let svg = drawn(&Picture { words, ..picture("A", vec![bar([1_234_567; 4])]) });
        let legend = &texts(&svg)[4..];
        assert_eq!(legend.len(), 4);
        for line in legend {
            assert!(line.starts_with('D') && line.ends_with("… 1.234.567"), "{line:?}");
        }
    }

    #[test]
    fn large_numbers_are_grouped_as_the_language_has_it() {
        let written = |count| (number(count, "da"), number(count, "en"));
        assert_eq!(written(0), ("0".into(), "0".into()));
        assert_eq!(written(9_999), ("9999".into(), "9999".into()));
        assert_eq!(written(10_000), ("10.000".into(), "10,000".into()));
        assert_eq!(written(1_234_567), ("1.234.567".into(), "1,234,567".into()));
        assert_eq!(number(u64::MAX, "en"), "18,446,744,073,709,551,615");
    }

    #[test]
    fn nothing_is_fetched_and_nothing_runs() {
        let svg = picture("A", vec![bar([1, 2, 3, 4]); 3]).to_string();
        for (at, _) in svg.match_indices("url(") {
            assert!(svg[at..].starts_with("url(#ms-"));
        }
        assert_eq!(svg.matches("//").count(), 1, "but for the namespace");
        for word in ["href", "script", "@import", "@font-face", "foreign"] {
            assert!(!svg.contains(word), "{word}");
        }
    }

    /// The contrast of two colours, as WCAG reckons it.
    fn contrast(one: &str, other: &str) -> f64 {
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

    #[test]
    fn both_themes_have_contrast_enough() {
        assert!((contrast("#ffffff", "#000000") - 21.0).abs() < 0.001);
        for theme in [LIGHT, DARK] {
            for text in [theme.ink, theme.quiet] {
                assert!(contrast(text, theme.paper) >= 4.5, "{text} on {}", theme.paper);
            }
            for stage in theme.stages {
                assert!(contrast(stage, theme.paper) >= 3.0, "{stage} on {}", theme.paper);
            }
        }
    }

    #[test]
    fn every_colour_has_its_dark_counterpart() {
        let svg = picture("A", vec![bar([1, 2, 3, 4]), bar([0; 4])]).to_string();
        let (_, dark) = svg.split_once("@media (prefers-color-scheme:dark)").unwrap();
        for tag in svg.split('<').filter(|tag| tag.contains(" color=\"")) {
            let (_, class) = tag.split_once("class=\"").unwrap();
            let (class, _) = class.split_once('"').unwrap();
            assert!(dark.contains(&format!(".{class}{{color:#")), "{class}");
        }
    }
}
