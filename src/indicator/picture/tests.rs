//! The whole picture, read back.

use super::*;
use crate::chart::reading::{Element, parse};
use crate::chart::style::Face;
use crate::chart::typesetting::width;

fn sure(value: f64) -> Point {
    Point::Value { value, is_provisional: false }
}

fn provisional(value: f64) -> Point {
    Point::Value { value, is_provisional: true }
}

fn months(count: usize) -> Vec<String> {
    (0..count).map(|month| format!("{}-{:02}", 2005 + month / 12, month % 12 + 1)).collect()
}

/// A year for each point, up to 2025.
fn picture(points: Vec<Point>) -> Picture<'static> {
    Picture {
        title: "Sygefravær",
        subtitle: "dage pr. ansat. Kilde: lønsystemet",
        periods: (2026 - points.len()..2026).map(|year| year.to_string()).collect(),
        own: Line { name: "Hele kommunen", points },
        benchmarks: Vec::new(),
        targets: Vec::new(),
        decimals: Some(1),
        language: Language::default(),
    }
}

fn drawn(picture: &Picture<'_>) -> Element {
    parse(&picture.to_string())
}

fn texts(svg: &Element) -> Vec<String> {
    svg.every("text").iter().map(|text| text.whole_text()).collect()
}

fn description(svg: &Element) -> &str {
    &svg.every("desc")[0].text
}

fn of_class<'e>(svg: &'e Element, class: &str) -> Vec<&'e Element> {
    let groups = svg.every("g").into_iter().filter(|group| group.attribute("class") == format!("ms-{class}"));
    groups.filter(|group| !group.attribute("class").is_empty()).collect()
}

/// The series' line in the plot; the legend has one too, which stands below.
fn way<'e>(svg: &'e Element, class: &str) -> &'e str {
    let paths = of_class(svg, class).into_iter().flat_map(|group| group.every("path"));
    let mut ways = paths.map(|path| path.attribute("d")).filter(|way| !way.contains('H'));
    let way = ways.next().unwrap_or("");
    assert!(ways.next().is_none(), "two lines of {class}");
    way
}

/// How many marks of this shape stand in the plot, full and hollow.
fn marks(svg: &Element, class: &str, shape: &str) -> (usize, usize) {
    let (hollow, full): (Vec<&Element>, Vec<&Element>) =
        of_class(svg, class).into_iter().partition(|group| group.attribute("fill") == "none");
    // The legend's mark stands on a level line.
    let is_legend = |group: &Element| group.every("path").iter().any(|path| path.attribute("d").contains('H'));
    let count = |groups: Vec<&Element>| {
        groups.iter().filter(|group| !is_legend(group)).map(|group| group.every(shape).len()).sum()
    };
    (count(full), count(hollow))
}

fn hatched(svg: &Element) -> Vec<&Element> {
    svg.every("rect").into_iter().filter(|rect| rect.attribute("fill").starts_with("url(#")).collect()
}

/// A text with the room it may take: left, top, right, bottom.
type Extent = (String, [f64; 4]);

fn extents(element: &Element, inherited: (&str, f64, u32), found: &mut Vec<Extent>) {
    let (anchor, size, weight) = inherited;
    let or = |name: &str, other: f64| element.attribute(name).parse().unwrap_or(other);
    let anchor = if element.attribute("text-anchor").is_empty() { anchor } else { element.attribute("text-anchor") };
    let size = or("font-size", size);
    let weight = or("font-weight", f64::from(weight)) as u32;
    if element.name == "text" {
        let text = element.whole_text();
        let wide = width(&text, Face { size: size as u32, line: 0, weight }) as f64 / 1000.0;
        let (x, y) = (or("x", f64::NAN), or("y", f64::NAN));
        let left = x - wide
            * match anchor {
                "end" => 1.0,
                "middle" => 0.5,
                _ => 0.0,
            };
        found.push((text, [left, y - 0.75 * size, left + wide, y + 0.2 * size]));
    }
    element.children.iter().for_each(|child| extents(child, (anchor, size, weight), found));
}

/// Pictures of all kinds: few and many periods, numbers of all sizes, with gaps and without, with much around them.
fn gallery() -> Vec<Picture<'static>> {
    const NAMES: [&str; 5] = [
        "Nabokommunerne",
        "Landet",
        "Den bedste fjerdedel",
        "Sammenlignelige kommuner i hele landet efter alder, uddannelse og socioøkonomisk indeks, vægtet",
        "",
    ];
    let mut gallery = Vec::new();
    for count in [0, 1, 2, 3, 6, 13, 60, 240] {
        for (n, (from, size)) in
            [(0.0, 0.0), (71.0, 0.0), (3.0, 2.0), (-30.0, 60.0), (0.0, 9e14), (-5.0, 1e-3), (1e6, 5e5)]
                .into_iter()
                .enumerate()
        {
            let wave = |at: usize| from + size * ((at * 7 % 12) as f64 / 11.0);
            let own = |at: usize| match (at + n) % 11 {
                3 | 4 => Point::Missing,
                7 | 8 => Point::Hidden,
                _ if at + 3 > count => provisional(wave(at)),
                _ => sure(wave(at)),
            };
            for others in [0, 1, 5] {
                let others_point = |k: usize, at: usize| if at % 9 == k { Point::Missing } else { sure(wave(at + k)) };
                let benchmarks = NAMES.iter().take(others).enumerate();
                let target = |name: &'static str, share: f64| TargetMark { name, value: from + size * share };
                gallery.push(Picture {
                    periods: if n % 2 == 0 { months(count) } else { (1..=count).map(|at| at.to_string()).collect() },
                    own: Line { name: "Hele kommunen", points: (0..count).map(own).collect() },
                    benchmarks: benchmarks
                        .map(|(k, name)| Line { name, points: (0..count).map(|at| others_point(k, at)).collect() })
                        .collect(),
                    targets: [target("Mål 2025", 0.2), target("Mål 2028: bedre", 0.3), target("", 1.4)][..others % 4]
                        .to_vec(),
                    decimals: [None, Some(0), Some(2)][n % 3],
                    ..picture(Vec::new())
                });
            }
        }
    }
    gallery
}

#[test]
fn whatever_is_drawn_is_well_formed_and_in_its_place() {
    for picture in gallery() {
        let svg = drawn(&picture);
        let mut found = Vec::new();
        extents(&svg, ("start", 16.0, 400), &mut found);
        let height: f64 = svg.attribute("height").parse().unwrap();
        for (n, (text, [left, top, right, bottom])) in found.iter().enumerate() {
            assert!(*left >= 0.0 && *right <= 320.0 && *top >= 0.0 && *bottom <= height, "{text} in {picture:?}");
            for (other, [other_left, other_top, other_right, other_bottom]) in &found[..n] {
                let is_apart = right <= other_left || other_right <= left || bottom <= other_top || other_bottom <= top;
                assert!(is_apart, "{text} over {other} in {picture:?}");
            }
        }
        for rect in svg.every("rect") {
            let length = |name: &str| rect.attribute(name).parse().unwrap_or(0.0);
            assert!(length("x") + length("width") <= 320.0 && length("y") + length("height") <= height, "{rect:?}");
        }
        let ids: Vec<&str> = svg.every("pattern").iter().map(|pattern| pattern.attribute("id")).collect();
        assert!(hatched(&svg).iter().all(|rect| rect.attribute("fill") == format!("url(#{})", ids[0])));
    }
}

#[test]
fn equal_pictures_are_equal_to_the_byte() {
    for (one, other) in gallery().iter().zip(gallery()) {
        assert_eq!(one.to_string(), other.to_string());
    }
    let ids = [3.0, 4.0].map(|value| drawn(&picture(vec![sure(value)])).every("title")[0].attribute("id").to_owned());
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn the_root_is_an_image_with_a_name_and_a_language() {
    let svg = drawn(&picture(vec![sure(3.0)]));
    assert_eq!((svg.name.as_str(), svg.attribute("role"), svg.attribute("lang")), ("svg", "img", "da"));
    let named: Vec<&str> = svg.attribute("aria-labelledby").split(' ').collect();
    assert_eq!(named, [svg.children[0].attribute("id"), svg.children[1].attribute("id")]);
    assert_eq!((svg.children[0].name.as_str(), svg.children[1].name.as_str()), ("title", "desc"));
    assert_eq!(svg.attribute("viewBox"), format!("0 0 320 {}", svg.attribute("height")));
}

#[test]
fn the_description_tells_every_number() {
    let svg = drawn(&Picture {
        benchmarks: vec![Line { name: "Landet", points: vec![sure(12_345.0); 2] }],
        targets: vec![
            TargetMark { name: "Mål 2025: højst 4", value: 4.0 },
            TargetMark { name: "Mål 2028", value: 3.5 },
        ],
        ..picture(vec![sure(4.26), Point::Missing, Point::Hidden, provisional(-3.0)])
    });
    assert_eq!(svg.every("title")[0].text, "Sygefravær");
    assert_eq!(
        description(&svg),
        "dage pr. ansat. Kilde: lønsystemet. Hele kommunen: 2022: 4,3; 2024: Skjult: lille gruppe; \
         2025: -3,0 (Foreløbig). Landet: 2022: 12.345,0; 2023: 12.345,0. Mål 2025: højst 4. Mål 2028: 3,5.",
    );
}

#[test]
fn numbers_are_written_as_the_language_has_it() {
    let danish = picture(vec![sure(3.5), sure(4.0)]);
    assert_eq!(texts(&drawn(&danish))[2..6], ["3,4", "3,6", "3,8", "4,0"]);
    let english = Picture { language: Language::from_tag("en").unwrap(), ..danish };
    assert_eq!(texts(&drawn(&english))[2..6], ["3.4", "3.6", "3.8", "4.0"]);
    assert_eq!(drawn(&english).attribute("lang"), "en");
}

#[test]
fn a_missing_period_is_a_gap() {
    let svg =
        drawn(&picture(vec![sure(1.0), sure(2.0), Point::Missing, sure(3.0), Point::Missing, sure(4.0), sure(5.0)]));
    let way = way(&svg, "own");
    assert_eq!((way.matches('M').count(), way.matches('L').count()), (2, 2), "{way}");
    // The one that stands alone has a mark, like all others.
    assert_eq!(marks(&svg, "own", "circle"), (5, 0));
    assert!(hatched(&svg).is_empty() && !texts(&svg).iter().any(|text| text.starts_with("Skjult")));
}

#[test]
fn a_hidden_period_is_hatched_and_has_no_number() {
    let hidden = vec![sure(1.0), Point::Hidden, Point::Hidden, sure(3.0), Point::Hidden, sure(5.0)];
    let svg = drawn(&picture(hidden));
    assert_eq!(way(&svg, "own"), "");
    assert_eq!(marks(&svg, "own", "circle"), (3, 0));
    // Neighbours are one block; the last stands in the legend.
    let widths: Vec<f64> = hatched(&svg).iter().map(|rect| rect.attribute("width").parse().unwrap()).collect();
    assert!(widths.len() == 3 && widths[0] > 50.0 && widths[1] == 8.0 && widths[2] == 16.0, "{widths:?}");
    assert_eq!(texts(&svg).last().unwrap(), "Skjult: lille gruppe");
    assert!(description(&svg).contains("2021: Skjult: lille gruppe; 2022: Skjult"));
}

#[test]
fn a_provisional_value_is_a_hollow_mark() {
    let svg = drawn(&picture(vec![sure(1.0), sure(2.0), provisional(3.0)]));
    assert_eq!(marks(&svg, "own", "circle"), (2, 1));
    assert_eq!(way(&svg, "own").matches('L').count(), 2);
    assert_eq!(texts(&svg).last().unwrap(), "Foreløbig");
    assert!(!texts(&drawn(&picture(vec![sure(1.0)]))).contains(&"Foreløbig".to_owned()));
}

#[test]
fn a_target_is_named_at_its_line_or_else_below() {
    let target = |name, value| TargetMark { name, value };
    let flat = picture(vec![sure(4.0); 6]);
    let svg = drawn(&Picture { targets: vec![target("Mål 2025: højst 3,0", 3.0)], ..flat.clone() });
    let names = svg.every("text");
    let name = names.iter().find(|text| text.text == "Mål 2025: højst 3,0").unwrap();
    let dashed = svg.every("path").into_iter().find(|path| path.attribute("class") == "ms-ink").unwrap();
    let level: f64 = dashed.attribute("d").split([' ', 'H']).nth(1).unwrap().parse().unwrap();
    assert!(!dashed.attribute("stroke-dasharray").is_empty());
    assert!((level - name.attribute("y").parse::<f64>().unwrap()).abs() < 12.0, "{dashed:?} {name:?}");
    // There is no room for so many at one line.
    let svg = drawn(&Picture { targets: vec![target("Mål for alle arbejdspladser: 4,0", 4.0); 9], ..flat });
    let of_legend = svg.every("text").iter().filter(|text| text.attribute("x") == "46").count();
    let lines = svg.every("path").iter().filter(|path| path.attribute("class") == "ms-ink").count();
    assert!(of_legend > 5 && lines == 9 + of_legend - 1, "{of_legend} {lines}");
    assert_eq!(texts(&svg).iter().filter(|text| text.starts_with("Mål for alle")).count(), 9);
}

#[test]
fn benchmarks_have_dashes_and_marks_of_their_own() {
    let others = |name| Line { name, points: vec![sure(2.0), sure(3.0), provisional(4.0)] };
    let svg = drawn(&Picture {
        benchmarks: vec![others("Landet"), others("Nabokommunerne")],
        ..picture(vec![sure(1.0), sure(2.0), sure(3.0)])
    });
    for class in ["other0", "other1"] {
        assert_eq!(marks(&svg, class, "polygon"), (2, 1));
        assert_eq!(way(&svg, class).matches('L').count(), 2);
    }
    let shown = texts(&svg);
    assert!(
        ["Hele kommunen", "Landet", "Nabokommunerne", "Foreløbig"].iter().all(|name| shown.contains(&(*name).into()))
    );
}

#[test]
fn where_nothing_is_known_it_says_so() {
    let nameless = TargetMark { name: "Mål", value: f64::NAN };
    let svg = drawn(&Picture { targets: vec![nameless], ..picture(Vec::new()) });
    assert!(!texts(&svg).contains(&"Mål".to_owned()) && !description(&svg).contains("Mål"));
    for points in [vec![], vec![Point::Missing; 4], vec![sure(f64::NAN), sure(f64::INFINITY), sure(1e300)]] {
        let svg = drawn(&picture(points));
        assert!(texts(&svg).contains(&"Der er ingen værdier endnu".to_owned()));
        assert!(description(&svg).ends_with("Hele kommunen: Der er ingen værdier endnu."));
        assert_eq!((way(&svg, "own"), marks(&svg, "own", "circle")), ("", (0, 0)));
    }
    // Others' values are shown nevertheless, with their numbers.
    let benchmarks = vec![Line { name: "Landet", points: vec![sure(2.0), sure(3.0)] }];
    let shown = texts(&drawn(&Picture { benchmarks, ..picture(vec![Point::Missing; 2]) }));
    assert!(shown.contains(&"Der er ingen værdier endnu".to_owned()) && shown.contains(&"2,5".to_owned()), "{shown:?}");
    // What is hidden is there.
    assert!(!texts(&drawn(&picture(vec![Point::Hidden]))).contains(&"Der er ingen værdier endnu".to_owned()));
}

#[test]
fn one_value_is_amid_the_plot() {
    let svg = drawn(&picture(vec![sure(71.0)]));
    assert_eq!(marks(&svg, "own", "circle"), (1, 0));
    assert_eq!(texts(&svg)[2..], ["65", "70", "75", "2025", "71,0", "Hele kommunen"]);
}

#[test]
fn points_beyond_the_periods_count_for_nothing() {
    let mut picture = picture(vec![sure(1.0), sure(2.0), provisional(900.0), Point::Hidden]);
    picture.periods.truncate(2);
    let svg = drawn(&picture);
    assert_eq!(marks(&svg, "own", "circle"), (2, 0));
    assert!(!texts(&svg).iter().any(|text| text.contains("900") || text == "Foreløbig" || text.contains("Skjult")));
}

#[test]
fn twenty_years_of_months_stay_small() {
    let points = (0..240).map(|at| sure(4.0 + (at % 12) as f64 / 10.0)).collect::<Vec<_>>();
    let svg = Picture { periods: months(240), ..picture(points) }.to_string();
    assert_eq!(marks(&parse(&svg), "own", "circle"), (1, 0), "but for the newest, marks would cover the line");
    assert!(svg.len() < 16_384, "{} bytes", svg.len());
}

#[test]
fn text_of_users_stays_text() {
    let hostile = "</title><script>alert('1')</script> \"a\" & b ]]> \u{0}\u{8}\u{1b}\u{fffe}c\td\r\ne";
    for points in [vec![], vec![sure(1.0), Point::Hidden, provisional(3.0)]] {
        let svg = drawn(&Picture {
            title: hostile,
            subtitle: hostile,
            periods: vec![hostile.to_owned(); 3],
            own: Line { name: hostile, points: points.clone() },
            benchmarks: vec![Line { name: hostile, points }],
            targets: vec![TargetMark { name: hostile, value: 2.0 }, TargetMark { name: hostile, value: f64::NAN }],
            decimals: None,
            language: Language::default(),
        });
        assert_eq!(svg.children[0].text, "</title><script>alert('1')</script> \"a\" & b ]]> c d e");
        assert!(svg.every("script").is_empty());
    }
}

#[test]
fn a_cut_name_is_whole_for_the_pointer() {
    let long = "Sammenlignelige kommuner i hele landet efter alder, uddannelse og socioøkonomisk indeks, vægtet";
    let svg = drawn(&Picture { own: Line { name: long, points: vec![sure(1.0)] }, ..picture(vec![sure(1.0)]) });
    assert!(texts(&svg).last().unwrap().ends_with('…'));
    assert!(svg.every("title").iter().any(|title| title.text == long) && description(&svg).contains(long));
}

#[test]
fn nothing_is_fetched_and_nothing_runs() {
    for picture in gallery() {
        let svg = picture.to_string();
        for (at, _) in svg.match_indices("url(") {
            assert!(svg[at..].starts_with("url(#ms-"));
        }
        assert_eq!(svg.matches("//").count(), 1, "but for the namespace");
        for word in ["href", "script", "@import", "@font-face", "foreign", "NaN", "inf"] {
            assert!(!svg.contains(word), "{word}");
        }
    }
}

#[test]
fn every_colour_has_its_dark_counterpart() {
    for picture in gallery() {
        let svg = picture.to_string();
        let (_, dark) = svg.split_once("@media (prefers-color-scheme:dark)").unwrap();
        for tag in svg.split('<').filter(|tag| tag.contains(" color=\"")) {
            let (_, class) = tag.split_once("class=\"").unwrap();
            let (class, _) = class.split_once('"').unwrap();
            assert!(dark.contains(&format!(".{class}{{color:#")), "{class}");
        }
    }
}

#[test]
fn a_chart_with_everything_looks_as_before() {
    let points = vec![sure(3.0), sure(4.26), Point::Missing, sure(4.0), Point::Hidden, sure(3.5), provisional(3.2)];
    let picture = Picture {
        benchmarks: vec![Line { name: "Landet", points: [4.4, 4.2, 4.1, 4.0, 3.9, 3.9, 3.8].map(sure).to_vec() }],
        targets: vec![TargetMark { name: "Mål 2026: højst 3,0", value: 3.0 }],
        ..picture(points)
    };
    insta::assert_snapshot!(picture.to_string());
}

#[test]
fn an_empty_chart_looks_as_before() {
    insta::assert_snapshot!(picture(Vec::new()).to_string());
}
