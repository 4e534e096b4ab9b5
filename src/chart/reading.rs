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
        assert!(
            matches!(letter, '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..),
            "{letter:?} in XML"
        );
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
