//! The formats of values, each read back into the same cells.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::harness::{App, Response};

/// Indicator, period, unit and group. An empty unit is the municipality, an empty group is everybody.
pub type Place = [String; 4];

/// What an answer says about a cell. Numbers are texts with six decimals, since parsing may round the last bits.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    pub value: Option<String>,
    pub count: Option<i64>,
    pub is_provisional: bool,
    pub is_suppressed: bool,
    pub is_aggregated: bool,
    /// Number of workplaces below with a value, and of all workplaces below.
    pub covers: [Option<i64>; 2],
    pub note: Option<String>,
}

pub type View = BTreeMap<Place, Cell>;

/// A client with a token.
pub struct Caller<'a> {
    app: &'a App<'a>,
    token: String,
    /// Text that no answer may contain.
    secrets: Vec<String>,
}

impl<'a> Caller<'a> {
    pub fn new(app: &'a App<'a>, municipality: &str, scope: &str) -> Self {
        Self { app, token: app.token_of(municipality, scope), secrets: Vec::new() }
    }

    /// The same client, with these forbidden texts.
    pub fn without(self, secrets: Vec<String>) -> Self {
        Self { secrets, ..self }
    }

    pub fn ask(&self, path: &str) -> Response {
        self.ask_again(path, "\"none\"")
    }

    /// Sends a conditional request.
    pub fn ask_again(&self, path: &str, tag: &str) -> Response {
        let request = self.app.request("GET", path).token(&self.token).header("accept-language", "en");
        let answer = request.header("if-none-match", tag).send();
        let text = String::from_utf8_lossy(&answer.body);
        let told = self.secrets.iter().find(|secret| text.contains(secret.as_str()));
        assert_eq!(told, None, "{path}: {text}");
        answer
    }

    pub fn text(&self, path: &str) -> String {
        String::from_utf8(self.ask(path).expect(200).body).unwrap()
    }

    pub fn json(&self, path: &str) -> Value {
        self.ask(path).expect(200).json()
    }

    pub fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let request = self.app.request(method, path).token(&self.token).header("if-match", "*");
        let answer = request.json(body).send();
        let told = String::from_utf8_lossy(&answer.body);
        assert!((200..300).contains(&answer.status), "{method} {path} of {body}: {told}");
        answer.json()
    }

    /// All values of a list, over all pages.
    pub fn list(&self, path: &str) -> View {
        let mut view = View::new();
        let mut address = path.to_owned();
        loop {
            let page = self.json(&address);
            for item in page["items"].as_array().unwrap() {
                let (place, cell) = read_item(item);
                assert_eq!(view.insert(place, cell), None, "{address} has it twice: {item}");
            }
            match page["next"].as_str() {
                Some(next) => address = with(path, &format!("cursor={next}")),
                None => return view,
            }
        }
    }

    pub fn table(&self, path: &str) -> View {
        read_table(&self.text(&with(path, "format=csv")), ',')
    }

    pub fn danish_table(&self, path: &str) -> View {
        let text = self.text(&with(path, "format=csv-excel-da"));
        read_table(text.strip_prefix('\u{feff}').unwrap(), ';')
    }

    /// The values of a cube, and whether they are hidden. A cube has nothing else.
    pub fn cube(&self, path: &str) -> BTreeMap<Place, (Option<String>, bool)> {
        read_cube(&self.json(&with(path, "format=json-stat")))
    }

    /// The number for each period of a picture (none if hidden), and all numbers in its texts.
    pub fn picture(&self, path: &str, title: &str) -> (BTreeMap<String, Option<String>>, BTreeSet<String>) {
        let svg = self.text(&with(path, "format=svg"));
        let description = svg.split_once("<desc").unwrap().1.split_once("</desc>").unwrap().0;
        let told = description.split_once(&format!("{title}: ")).unwrap().1;
        let told = told.split(". ").next().unwrap().trim_end_matches('.');
        let point = |part: &str| {
            let (period, told) = part.split_once(": ").unwrap();
            let told = told.trim_end_matches(" (Provisional)");
            let number = (told != "Hidden: small group").then(|| six_decimals(&told.replace(',', "")));
            (period.to_owned(), number)
        };
        let is_empty = told == "There are no values yet";
        let points = told.split("; ").filter(|_| !is_empty).map(point).collect();
        (points, numbers_in(&without_markup(&svg)))
    }
}

/// The path with an addition to its query.
pub fn with(path: &str, query: &str) -> String {
    match (query, path.contains('?')) {
        ("", _) => path.to_owned(),
        (query, true) => format!("{path}&{query}"),
        (query, false) => format!("{path}?{query}"),
    }
}

pub fn six_decimals(number: &str) -> String {
    let number: f64 = number.parse().unwrap_or_else(|_| panic!("'{number}' is no number"));
    format!("{number:.6}")
}

fn read_item(item: &Value) -> (Place, Cell) {
    let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
    let place = ["indicator", "period", "unit", "group"].map(text);
    let cell = Cell {
        value: item["value"].as_f64().map(|value| format!("{value:.6}")),
        count: item["count"].as_i64(),
        is_provisional: item["is_provisional"].as_bool().unwrap(),
        is_suppressed: item["is_suppressed"].as_bool().unwrap(),
        is_aggregated: item["is_aggregated"].as_bool().unwrap(),
        covers: ["units_with_value", "units"].map(|name| item[name].as_i64()),
        note: item["note"].as_str().map(str::to_owned),
    };
    (place, cell)
}

/// Reads a CSV table. No cell of these tests needs quotation marks.
fn read_table(text: &str, delimiter: char) -> View {
    let mut lines = text.lines().map(|line| line.split(delimiter).collect::<Vec<_>>());
    let columns = lines.next().unwrap();
    let row = |cells: Vec<&str>| {
        assert_eq!(cells.len(), columns.len(), "{cells:?}");
        let cell = |name: &str| cells[columns.iter().position(|column| *column == name).unwrap()];
        let filled = |name: &str| Some(cell(name)).filter(|text| !text.is_empty());
        let whole = |name: &str| filled(name).map(|text| text.parse().unwrap());
        let truth = |name: &str| cell(name).parse::<bool>().unwrap();
        let place = ["indicator", "period", "unit", "group"].map(|name| cell(name).to_owned());
        let read = Cell {
            value: filled("value").map(|value| six_decimals(&value.replace(',', "."))),
            count: whole("count"),
            is_provisional: truth("is_provisional"),
            is_suppressed: truth("is_suppressed"),
            is_aggregated: truth("is_aggregated"),
            covers: ["units_with_value", "units"].map(whole),
            note: filled("note").map(str::to_owned),
        };
        (place, read)
    };
    lines.map(row).collect()
}

fn read_cube(cube: &Value) -> BTreeMap<Place, (Option<String>, bool)> {
    let names = ["indicator", "period", "unit", "group"];
    assert_eq!(cube["id"], json!(names));
    let categories = names.map(|name| cube["dimension"][name]["category"]["index"].as_array().unwrap().clone());
    let mut found = BTreeMap::new();
    for (n, value) in cube["value"].as_array().unwrap().iter().enumerate() {
        let is_hidden = cube["status"][n.to_string()] == "suppressed";
        if value.is_null() && !is_hidden {
            continue;
        }
        let mut left = n;
        let mut place = Place::default();
        for (axis, categories) in categories.iter().enumerate().rev() {
            place[axis] = categories[left % categories.len()].as_str().unwrap().replace("_all", "");
            left /= categories.len();
        }
        found.insert(place, (value.as_f64().map(|value| format!("{value:.6}")), is_hidden));
    }
    found
}

/// The texts of a picture.
fn without_markup(svg: &str) -> String {
    let mut text = String::new();
    for part in svg.split('<').filter(|part| !part.starts_with("style")) {
        text.push_str(part.split_once('>').map_or("", |(_, text)| text));
        text.push(' ');
    }
    text
}

/// The numbers in an English text, with six decimals each.
pub fn numbers_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_digit() && !matches!(letter, '.' | ','));
    let words = words.map(|word| word.trim_matches(['.', ',']).replace(',', ""));
    words.filter(|word| word.parse::<f64>().is_ok()).map(|word| six_decimals(&word)).collect()
}
