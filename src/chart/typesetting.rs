//! Sets text: cleans it, measures it, and breaks it into lines.

use unicode_segmentation::UnicodeSegmentation;

use super::style::Face;

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

/// Whether a line may end at this character; not at the spaces that hold words together.
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

/// Breaks a cleaned text into at most `most` lines of `room` px. SVG neither wraps nor measures, so that widths are
/// those of a wide font; other fonts leave some room.
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
                start if is_within_word(rest, start.len()) => (start, "-"),
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

fn is_within_word(text: &str, at: usize) -> bool {
    text[..at].ends_with(char::is_alphabetic) && text[at..].starts_with(char::is_alphabetic)
}

/// The longest start of the text that fits; it ends with a whole character, accents and joined emoji included.
fn start_within(text: &str, face: Face, room: u64) -> &str {
    let mut sum = 0;
    for (at, character) in text.grapheme_indices(true) {
        sum += advance(character, face);
        if sum > room {
            return &text[..at];
        }
    }
    text
}

/// A text's width, in thousandths of a px.
pub fn width(text: &str, face: Face) -> u64 {
    text.graphemes(true).map(|character| advance(character, face)).sum()
}

/// The width of a character with its accents, in thousandths of a px; lighter fonts take a tenth less.
fn advance(character: &str, face: Face) -> u64 {
    let share = if face.weight < 600 { 9 } else { 10 };
    character.chars().next().map_or(0, em) * u64::from(face.size) * share / 10
}

/// How wide a character is, in thousandths of an em: about what DejaVu Sans Bold has, wider than most.
fn em(letter: char) -> u64 {
    match letter {
        // Joiners, marks of direction and their like.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::CONTENT_WIDTH;
    use crate::chart::style::TITLE;

    #[test]
    fn what_fits_is_not_cut() {
        let two = "Alle udvalg drøfter trivsel og nærvær mindst en gang";
        assert_eq!(wrap(two, TITLE, CONTENT_WIDTH, 2).lines.join(" "), two);
        assert!(!wrap(two, TITLE, CONTENT_WIDTH, 2).is_cut);
        assert!(wrap("", TITLE, CONTENT_WIDTH, 2).lines.is_empty());
        // The ellipsis takes the place of a character, not of a word.
        let cut = wrap("Trivselsindsats", TITLE, 60, 1);
        assert!(cut.is_cut && cut.lines[0].starts_with("Triv"), "{:?}", cut.lines);
    }

    #[test]
    fn a_word_wider_than_a_line_is_hyphenated() {
        let word = "arbejdsmiljørepræsentantuddannelsesudvalgsformand";
        let lines = wrap(word, TITLE, CONTENT_WIDTH, 2).lines;
        assert!(lines.len() == 2 && lines[0].ends_with('-'), "{lines:?}");
        assert_eq!(lines.concat().replace('-', ""), word);
        assert!(wrap(&"8".repeat(60), TITLE, CONTENT_WIDTH, 2).lines[0].ends_with('8'));
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
            let families = wrap(&"👩\u{200d}👩\u{200d}👧".repeat(30), TITLE, room, 1).lines.concat();
            assert!(families.ends_with("👧…") && families.starts_with("👩"), "{families:?} in {room}");
        }
    }
}
