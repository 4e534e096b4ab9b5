//! The picture of progress, read back.

use super::*;
use crate::chart::reading::{Element, parse};

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
fn every_colour_has_its_dark_counterpart() {
    let svg = picture("A", vec![bar([1, 2, 3, 4]), bar([0; 4])]).to_string();
    let (_, dark) = svg.split_once("@media (prefers-color-scheme:dark)").unwrap();
    for tag in svg.split('<').filter(|tag| tag.contains(" color=\"")) {
        let (_, class) = tag.split_once("class=\"").unwrap();
        let (class, _) = class.split_once('"').unwrap();
        assert!(dark.contains(&format!(".{class}{{color:#")), "{class}");
    }
}

#[test]
fn a_picture_with_two_bars_looks_as_before() {
    insta::assert_snapshot!(picture("Trivsel", vec![bar([37, 5, 9, 1]), bar([0; 4])]).to_string());
}
