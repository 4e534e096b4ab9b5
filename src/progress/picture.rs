//! The picture of progress: one self-contained SVG with a bar by stage for every set of figures.
//!
//! It is drawn for a widget of 320 px, on paper of its own, light or dark as the reader prefers. No stage is told
//! by its colour alone: each has a pattern, a gap to the next, and its name and count below the bar; the title and
//! description hold all of it in words. Nothing in it runs, and nothing is fetched.

use std::fmt::{self, Write};

use crate::action::assignment::stage::Stage;
use crate::language::Language;
use crate::svg::{
    self, Document, Escaped, Face, LIGHT, MARGIN, ROOM, SUBTITLE, Sheet, TITLE, Tenths, clean, tell, width, wrap,
};

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
    /// The language of the picture's words and numbers.
    pub language: Language,
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

/// The bars' height, in px like all that follows.
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

/// Blue and orange after Okabe and Ito, dark enough for white paper; greys for what isn't under way. On the paper, all
/// have a contrast of at least 3:1.
const LIGHT_STAGES: [&str; 4] = ["#0072b2", "#b86200", "#6b6b6b", "#4d4d4d"];
/// The stages' classes, of which each is `ms-` and this, and what becomes of them in the dark.
const DARK_STAGES: [(&str, &str); 4] =
    [("stage0", "#56b4e9"), ("stage1", "#f0a830"), ("stage2", "#a3a3a8"), ("stage3", "#d0d0d4")];

const BAR_TITLE: Face = Face { size: 13, line: 18, weight: 600 };
const CAPTION: Face = Face { size: 13, line: 18, weight: 400 };
const LEGEND: Face = Face { size: 12, line: LEGEND_LINE, weight: 400 };
const COUNT: Face = Face { weight: 600, ..LEGEND };

impl fmt::Display for Picture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = clean(self.title);
        let language = self.language.tag();
        let description = self.description();
        let id = svg::id(&title, &description, language);
        let mut drawing = Drawing { sheet: Sheet::new(), id: &id, language: self.language };
        drawing.sheet.lines(&wrap(&title, TITLE, ROOM, 2), TITLE, "ink", LIGHT.ink)?;
        drawing.sheet.lines(&wrap(&clean(self.subtitle), SUBTITLE, ROOM, 1), SUBTITLE, "quiet", LIGHT.quiet)?;
        for bar in &self.bars {
            drawing.bar(bar)?;
        }
        let document = Document {
            id: &id,
            language,
            title: &title,
            description: &description,
            height: drawing.sheet.height(),
            dark: &DARK_STAGES,
            definitions: &patterns(&id)?,
            body: &drawing.sheet.body,
        };
        document.fmt(f)
    }
}

impl Picture<'_> {
    /// All that the picture shows, as sentences.
    fn description(&self) -> String {
        let mut told = String::new();
        tell(&mut told, &clean(self.subtitle));
        for bar in &self.bars {
            let title = clean(bar.title);
            let caption = bar.caption(self.language);
            let colon = if title.is_empty() || caption.is_empty() { "" } else { ": " };
            tell(&mut told, &format!("{title}{colon}{caption}"));
            if !bar.is_empty() {
                let counts: Vec<String> = (stage_names(self.language).iter().zip(bar.stages))
                    .map(|(name, count)| format!("{name}: {}", self.language.count(count)))
                    .collect();
                tell(&mut told, &counts.join(", "));
            }
        }
        told
    }
}

/// What fills the segments: stripes in progress, dots not started, a lattice dropped. Done is solid.
fn patterns(id: &str) -> Result<String, fmt::Error> {
    let shapes = [
        (1, " patternTransform=\"rotate(45)\"", "<path d=\"M0 0h3.5v6h-3.5z\"/>"),
        (2, "", "<circle cx=\"2.5\" cy=\"2.5\" r=\"1\"/>"),
        (3, "", "<path d=\"M-1 -1l8 8M7 -1l-8 8\" stroke=\"currentColor\" stroke-width=\"1.3\"/>"),
    ];
    let mut patterns = String::new();
    for (stage, turned, shape) in shapes {
        write!(
            patterns,
            "<pattern id=\"{id}-stage{stage}\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\"{turned} \
             class=\"ms-stage{stage}\" color=\"{}\">{shape}</pattern>",
            LIGHT_STAGES[stage],
        )?;
    }
    Ok(patterns)
}

/// What is drawn so far, and what it takes to draw the rest.
struct Drawing<'a> {
    sheet: Sheet,
    id: &'a str,
    language: Language,
}

impl Drawing<'_> {
    fn bar(&mut self, bar: &Bar<'_>) -> fmt::Result {
        self.sheet.y += 10;
        self.sheet.body.push_str("<g>");
        let title = clean(bar.title);
        let wrapped = wrap(&title, BAR_TITLE, ROOM, 2);
        if wrapped.is_cut {
            // Shown when the pointer rests on the bar.
            write!(self.sheet.body, "<title>{}</title>", Escaped(&title))?;
        }
        self.sheet.lines(&wrapped, BAR_TITLE, "ink", LIGHT.ink)?;
        let caption = bar.caption(self.language);
        self.sheet.lines(&wrap(&caption, CAPTION, ROOM, 2), CAPTION, "ink", LIGHT.ink)?;
        self.sheet.y += 5;
        if bar.is_empty() {
            self.empty_track()?;
        } else {
            self.segments(bar.stages)?;
            self.legend(bar.stages)?;
        }
        self.sheet.body.push_str("</g>");
        Ok(())
    }

    fn empty_track(&mut self) -> fmt::Result {
        write!(
            self.sheet.body,
            "<rect x=\"{MARGIN}.5\" y=\"{}.5\" width=\"{}\" height=\"{}\" class=\"ms-quiet\" color=\"{}\" \
             fill=\"none\" stroke=\"currentColor\" stroke-dasharray=\"4 3\"/>",
            self.sheet.y,
            ROOM - 1,
            BAR_HEIGHT - 1,
            LIGHT.quiet,
        )?;
        self.sheet.y += BAR_HEIGHT;
        Ok(())
    }

    fn segments(&mut self, stages: [u64; 4]) -> fmt::Result {
        let mut x = u128::from(MARGIN) * 10;
        for (stage, width) in widths(stages).into_iter().enumerate() {
            if width > 0 {
                self.block(stage, x, self.sheet.y, width, BAR_HEIGHT)?;
                x += width + GAP;
            }
        }
        self.sheet.y += BAR_HEIGHT;
        Ok(())
    }

    fn legend(&mut self, stages: [u64; 4]) -> fmt::Result {
        self.sheet.y += 6;
        let mut texts = String::new();
        for ((stage, name), count) in stage_names(self.language).iter().enumerate().zip(stages) {
            let x = if stage % 2 == 0 { MARGIN } else { MARGIN + COLUMN };
            let top = self.sheet.y + if stage < 2 { 0 } else { LEGEND_LINE };
            self.block(stage, u128::from(x) * 10, top + 3, u128::from(SWATCH) * 10, SWATCH)?;
            let count = self.language.count(count);
            let name = name_beside(name, &count);
            write!(
                texts,
                "<text x=\"{}\" y=\"{}\">{} <tspan font-weight=\"{}\">{count}</tspan></text>",
                x + SWATCH_ROOM,
                top + 13,
                Escaped(&name),
                COUNT.weight,
            )?;
        }
        self.sheet.y += 2 * LEGEND_LINE;
        write!(self.sheet.body, "<g class=\"ms-ink\" color=\"{}\" font-size=\"{}\">{texts}</g>", LIGHT.ink, LEGEND.size)
    }

    /// A stage's pattern within its outline; `x` and `width` are tenths of a px.
    fn block(&mut self, stage: usize, x: u128, y: u32, width: u128, height: u32) -> fmt::Result {
        // Moved rather than placed: the pattern begins anew in each.
        write!(
            self.sheet.body,
            "<rect transform=\"translate({} {y}.5)\" width=\"{}\" height=\"{}\" class=\"ms-stage{stage}\" \
             color=\"{}\" ",
            Tenths(x + 5),
            Tenths(width - 10),
            height - 1,
            LIGHT_STAGES[stage],
        )?;
        match stage {
            0 => self.sheet.body.push_str("fill=\"currentColor\""),
            _ => write!(self.sheet.body, "fill=\"url(#{}-stage{stage})\"", self.id)?,
        }
        self.sheet.body.push_str(" stroke=\"currentColor\"/>");
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::svg::DARK;
    use crate::svg::reading::{Element, contrast, parse};

    fn bar(stages: [u64; 4]) -> Bar<'static> {
        Bar { title: "Planens handlinger", stages, caption: "37 af 52 udvalg er i mål" }
    }

    fn picture<'a>(title: &'a str, bars: Vec<Bar<'a>>) -> Picture<'a> {
        Picture { title, subtitle: "pr. 22. november 2026", bars, language: Language::default() }
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
        assert_eq!(texts(&svg), ["A", "pr. 22. november 2026", "Planens handlinger", "Der er intet at gøre endnu"]);
        let tracks = segments(&svg);
        assert_eq!(tracks.len(), 1);
        assert_eq!((tracks[0].attribute("fill"), tracks[0].attribute("width")), ("none", "287"));
        let description = "pr. 22. november 2026. Planens handlinger: Der er intet at gøre endnu.";
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
        for stages in [[0; 4], [1, 2, 3, 4]] {
            let bars = vec![Bar { title: hostile, stages, caption: hostile }];
            let svg = drawn(&Picture { title: hostile, subtitle: hostile, bars, language: Language::default() });
            assert_eq!(svg.children[0].text, "</title><script>alert('1')</script> \"a\" & b ]]> c d e f");
            assert!(svg.every("script").is_empty());
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
    fn a_long_stage_name_gives_way_to_its_count() {
        let cut = name_beside("Drøftet og taget til efterretning", "1.234.567");
        assert!(cut.starts_with('D') && cut.ends_with('…'), "{cut:?}");
        assert!(width(&cut, LEGEND) + width(" 1.234.567", COUNT) <= u64::from(COLUMN - SWATCH_ROOM) * 1000);
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

    #[test]
    fn both_themes_have_contrast_enough() {
        assert!((contrast("#ffffff", "#000000") - 21.0).abs() < 0.001);
        let dark_stages = DARK_STAGES.map(|(_, colour)| colour);
        for (theme, stages) in [(LIGHT, LIGHT_STAGES), (DARK, dark_stages)] {
            for text in [theme.ink, theme.quiet] {
                assert!(contrast(text, theme.paper) >= 4.5, "{text} on {}", theme.paper);
            }
            for stage in stages {
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
