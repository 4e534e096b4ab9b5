//! Property tests: after any sequence of HR files, the stored rows equal a simple model of the sync, and every answer
//! agrees with it. The order of rows in a file does not matter.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chrono::{NaiveDate, TimeDelta};
use medstrategi::period;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use crate::harness::{App, ELSEWHERE, Response, repeatable};

crate::tests![any_sequence_of_files_agrees_with_the_model, the_order_of_rows_does_not_matter];

/// The sections of a file, each after those that it refers to, and the possible keys of their rows.
const SECTIONS: [(&str, &[&str]); 4] = [
    ("units", &["u1", "u2", "u3", "u4"]),
    ("employees", &["e1", "e2", "e3", "e4", "e5"]),
    ("committees", &["c1", "c2", "c3", "c4"]),
    ("memberships", &["m1", "m2", "m3", "m4", "m5"]),
];

/// The possible outcomes of a row.
const OUTCOMES: [&str; 6] = ["created", "updated", "ended", "reopened", "unchanged", "skipped"];

/// The fields of a row. In the model as exported, in a file as sent.
type Row = Map<String, Value>;
/// The rows of a section by key.
type Rows = BTreeMap<String, Row>;
/// The stored rows. All sections are present.
type Model = BTreeMap<&'static str, Rows>;
/// A file. Sections may be missing.
type File = BTreeMap<&'static str, Vec<Row>>;
/// Outcomes of rows: the name of the outcome, and the changed fields.
type Outcomes = BTreeMap<String, (&'static str, BTreeSet<String>)>;

fn any_sequence_of_files_agrees_with_the_model(app: &App) {
    let elsewhere = fill_elsewhere(app);
    let left_alone = elsewhere.export();
    let cases = Cell::new(0);
    run(16, 3..8, |sequence| {
        let town = Town::found(app, &format!("by{}", next(&cases)));
        let (first, files) = sequence.split_first().unwrap();
        let of_editors = create_rows_of_editors(&town, &mut Choices(first.iter()));
        let as_created = town.read_rows(&of_editors);
        let mut model = of_editors.clone();
        for bytes in files {
            let mut choices = Choices(bytes.iter());
            let reading = Reading::now(choices.one(&["delta", "snapshot"]));
            let file = draw_file(&mut choices, &model, &reading);
            let file = shuffled(&mut choices, &file);
            model = check_step(&town, &model, &file, &reading)?;
        }
        prop_assert_eq!(town.read_rows(&of_editors), as_created, "the sync leaves alone what editors keep");
        prop_assert_eq!(&elsewhere.export(), &left_alone, "the sync leaves other municipalities alone");
        Ok(())
    });
    crate::operations::assert_consistent(app);
}

fn the_order_of_rows_does_not_matter(app: &App) {
    let cases = Cell::new(0);
    run(8, 1..4, |sequence| {
        let case = next(&cases);
        let (here, there) = (Town::found(app, &format!("by{case}")), Town::found(app, &format!("anden{case}")));
        let reading = Reading::now("snapshot");
        let mut model = nothing();
        for bytes in &sequence {
            let mut choices = Choices(bytes.iter());
            let file = draw_file(&mut choices, &model, &reading);
            let mixed = shuffled(&mut choices, &file);
            let (answer, plain_answer) = (here.sync(&mixed, &reading, false), there.sync(&file, &reading, false));
            prop_assert_eq!(&answer, &plain_answer, "{} and {}", json!(mixed), json!(file));
            prop_assert_eq!(here.rows(), there.rows(), "{} and {}", json!(mixed), json!(file));
            model = applied(&model, &file, &reading);
            prop_assert_eq!(&model_of(&here.export()), &model, "{}", json!(file));
        }
        Ok(())
    });
}

/// Another municipality, with running HR rows under all keys.
fn fill_elsewhere<'a>(app: &'a App<'a>) -> Town<'a> {
    let mut bundle = json!({"municipality": {"key": ELSEWHERE, "code": "999", "name": ELSEWHERE}});
    for (section, keys) in SECTIONS {
        let row = |key: &&str| match section {
            "units" => json!({"key": key, "name": "Uberørt", "kind": "other", "managed_by": "hr"}),
            "employees" => json!({"key": key, "name": "Uberørt", "unit": "u1", "managed_by": "hr"}),
            "committees" => json!({"key": key, "name": "Uberørt", "form": "work_group", "managed_by": "hr"}),
            _ => json!({"key": key, "committee": "c1", "employee": "e1", "role": "member", "managed_by": "hr"}),
        };
        bundle[section] = keys.iter().map(row).collect();
    }
    app.import(&bundle).unwrap();
    Town::of(app, ELSEWHERE)
}

fn run(cases: u32, steps: Range<usize>, test: impl Fn(Vec<Vec<u8>>) -> Result<(), TestCaseError>) {
    // More bytes than a file with every row and field uses.
    let sequences = prop::collection::vec(prop::collection::vec(any::<u8>(), 400), steps);
    TestRunner::new(repeatable(cases)).run(&sequences, test).unwrap();
}

/// A new number for each case, since each needs municipalities of its own.
fn next(cases: &Cell<u32>) -> u32 {
    cases.replace(cases.get() + 1)
}

/// A municipality, and a token with all scopes for it.
struct Town<'a> {
    app: &'a App<'a>,
    token: String,
}

impl<'a> Town<'a> {
    fn found(app: &'a App<'a>, key: &str) -> Self {
        let level = json!({"key": "l", "name": "L", "rank": 1, "staff_meeting_below": 20});
        app.import(&json!({"municipality": {"key": key, "code": "998", "name": key}, "levels": [level]})).unwrap();
        Self::of(app, key)
    }

    fn of(app: &'a App<'a>, key: &str) -> Self {
        Self { app, token: app.token_of(key, "med.admin med.audit") }
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Response {
        let request = self.app.request(method, path).token(&self.token);
        match body {
            Some(body) => request.json(body).send(),
            None => request.send(),
        }
    }

    fn sync(&self, file: &File, reading: &Reading, dry_run: bool) -> Value {
        let mode = reading.mode;
        // The sync guard never stops a file of this test.
        let path = format!("/v1/hr-sync?mode={mode}&max_ended=1000&dry_run={dry_run}");
        let answer = self.send("POST", &path, Some(&json!(file)));
        let told = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, 200, "{mode} of {}: {told}", json!(file));
        answer.json()
    }

    fn export(&self) -> Value {
        self.send("GET", "/v1/export", None).expect(200).json()
    }

    /// The export's sections, without the municipality's own fields.
    fn rows(&self) -> Value {
        let mut export = self.export();
        export["municipality"] = Value::Null;
        export
    }

    /// Number of rows in the change log.
    fn changes(&self) -> usize {
        let (mut count, mut after) = (0, 0);
        loop {
            let page = self.send("GET", &format!("/v1/changes?after={after}&limit=200"), None).expect(200).json();
            count += page["items"].as_array().unwrap().len();
            match page["next"].as_i64() {
                Some(next) => after = next,
                None => return count,
            }
        }
    }

    /// The stored rows under the model's keys, byte for byte.
    fn read_rows(&self, model: &Model) -> BTreeMap<String, String> {
        let keys = model.iter().flat_map(|(section, rows)| rows.keys().map(move |key| format!("/v1/{section}/{key}")));
        let read = |path: String| {
            let row = self.send("GET", &path, None).expect(200);
            (path, String::from_utf8(row.body).unwrap())
        };
        keys.map(read).collect()
    }
}

/// Random decisions, each drawn from the next byte.
struct Choices<'b>(std::slice::Iter<'b, u8>);

impl Choices<'_> {
    fn below(&mut self, limit: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % limit
    }

    fn one<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    /// A random selection of `all`, in random order.
    fn some<T: Clone>(&mut self, all: &[T]) -> Vec<T> {
        let mut chosen = all.to_vec();
        self.shuffle(&mut chosen);
        chosen.truncate(self.below(all.len() + 1));
        chosen
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            let other = self.below(place + 1);
            items.swap(place, other);
        }
    }
}

/// How and when a file is applied. Days are ISO texts, which sort by date.
struct Reading {
    mode: &'static str,
    today: String,
    yesterday: String,
}

impl Reading {
    fn now(mode: &'static str) -> Self {
        Self { mode, today: day(0), yesterday: day(-1) }
    }
}

/// The day at this distance from today.
fn day(distance: i64) -> String {
    (period::today() + TimeDelta::days(distance)).to_string()
}

fn nothing() -> Model {
    SECTIONS.into_iter().map(|(section, _)| (section, Rows::new())).collect()
}

/// Creates rows managed by editors, which the sync may refer to but must not change. They refer only to each other, so
/// that nothing in them depends on the sync: a membership shows its holder's name.
fn create_rows_of_editors(town: &Town, choices: &mut Choices) -> Model {
    let reading = Reading::now("delta");
    let mut model = nothing();
    for (section, keys) in SECTIONS {
        let keys = choices.some(keys);
        for sent in draw_rows(choices, section, &keys, &model, &reading) {
            let row = laid_over(None, &sent);
            let mut body = Value::Object(row.clone());
            body["managed_by"] = json!("editor");
            town.send("POST", &format!("/v1/{section}"), Some(&body)).expect(201);
            model.get_mut(section).unwrap().insert(key_of(&row), row);
        }
    }
    model
}

/// Draws a valid file for the stored rows.
fn draw_file(choices: &mut Choices, stored: &Model, reading: &Reading) -> File {
    // Sections may refer to rows of earlier sections.
    let mut model = stored.clone();
    let mut file = File::new();
    for (section, keys) in SECTIONS {
        if choices.below(4) > 0 {
            let rows = draw_rows(choices, section, keys, &model, reading);
            apply_section(model.get_mut(section).unwrap(), &rows, reading);
            file.insert(section, rows);
        }
    }
    file
}

fn draw_rows(choices: &mut Choices, section: &str, keys: &[&str], stored: &Model, reading: &Reading) -> Vec<Row> {
    // Rows may refer to rows drawn before them.
    let mut model = stored.clone();
    let mut rows = Vec::new();
    for key in keys {
        let has_nowhere_to_be = section == "memberships" && model["committees"].is_empty();
        if has_nowhere_to_be || choices.below(3) == 0 {
            continue;
        }
        let row = draw_row(choices, section, key, &model, reading);
        model.get_mut(section).unwrap().entry((*key).to_owned()).or_insert_with(|| row.clone());
        rows.push(row);
    }
    rows
}

fn draw_row(choices: &mut Choices, section: &str, key: &str, model: &Model, reading: &Reading) -> Row {
    let stored = model[section].get(key);
    let fields = Row::from_iter([("key".to_owned(), json!(key))]);
    let mut sketch = Sketch { choices, is_new: stored.is_none(), fields };
    match section {
        "units" => sketch_unit(&mut sketch, key, model),
        "employees" => sketch_employee(&mut sketch, model),
        "committees" => sketch_committee(&mut sketch, key, model),
        _ => sketch_membership(&mut sketch, key, model),
    }
    let days: Vec<Value> = [-40, -1, 0, 1, 40].into_iter().map(|distance| json!(day(distance))).collect();
    sketch.optional("starts_on", &days);
    sketch.optional("ends_on", &days);
    let mut row = sketch.fields;
    mend_days(stored, &mut row, reading);
    row
}

/// A row that is being drawn.
struct Sketch<'c, 'b> {
    choices: &'c mut Choices<'b>,
    is_new: bool,
    fields: Row,
}

impl Sketch<'_, '_> {
    /// A required field, which can't be cleared.
    fn required(&mut self, name: &str, values: &[Value]) {
        if self.is_new || self.choices.below(2) > 0 {
            let value = self.choices.one(values);
            self.fields.insert(name.to_owned(), value);
        }
    }

    /// An optional field: absent, null or set.
    fn optional(&mut self, name: &str, values: &[Value]) {
        let value = match self.choices.below(4) {
            0 | 1 => return,
            2 => Value::Null,
            _ if values.is_empty() => return,
            _ => self.choices.one(values),
        };
        self.fields.insert(name.to_owned(), value);
    }
}

fn sketch_unit(sketch: &mut Sketch, key: &str, model: &Model) {
    sketch.required("name", &words(&["Nord", "Syd"]));
    sketch.required("kind", &words(&["workplace", "centre"]));
    sketch.optional("parent", &keys_before(&model["units"], key));
    sketch.optional("headcount", &[json!(0), json!(7), json!(30)]);
}

fn sketch_employee(sketch: &mut Sketch, model: &Model) {
    sketch.required("name", &words(&["Anna", "Bo"]));
    sketch.optional("email", &words(&["anna@by.example", "bo@by.example"]));
    sketch.optional("title", &words(&["Leder", "Lærer"]));
    sketch.optional("unit", &keys_in(&model["units"]));
    sketch.optional("has_personnel_responsibility", &[json!(true), json!(false)]);
    sketch.optional("name_protected", &[json!(true), json!(false)]);
}

fn sketch_committee(sketch: &mut Sketch, key: &str, model: &Model) {
    sketch.required("name", &words(&["MED", "Udvalg"]));
    sketch_form(sketch, model["committees"].get(key));
    sketch.optional("parent", &keys_before(&model["committees"], key));
    sketch.optional("mandate", &words(&["Kantinen", "Cykelskuret"]));
    let units = sketch.choices.some(&keys_in(&model["units"]));
    sketch.optional("units", &[json!(units)]);
}

/// Form and level depend on each other: a work group has no level, all others need one.
fn sketch_form(sketch: &mut Sketch, stored: Option<&Row>) {
    sketch.required("form", &words(&["committee", "staff_meeting", "work_group"]));
    let changes = sketch.fields.contains_key("form");
    let form = sketch.fields.get("form").or_else(|| stored?.get("form"));
    let level = if form.is_some_and(|form| form == "work_group") { Value::Null } else { json!("l") };
    if changes || sketch.choices.below(2) > 0 {
        sketch.fields.insert("level".to_owned(), level);
    }
}

fn sketch_membership(sketch: &mut Sketch, key: &str, model: &Model) {
    // Only one row may be a chair, so that no committee gets two.
    let roles: &[&str] = if key == "m1" { &["chair", "member"] } else { &["deputy_chair", "member", "substitute"] };
    sketch.required("committee", &keys_in(&model["committees"]));
    sketch.optional("employee", &keys_in(&model["employees"]));
    sketch.required("role", &words(roles));
    sketch.optional("side", &words(&["management", "employees"]));
    sketch.optional("function", &words(&["leader", "shop_steward", "safety_rep"]));
}

fn words(words: &[&str]) -> Vec<Value> {
    words.iter().map(|word| json!(word)).collect()
}

fn keys_in(rows: &Rows) -> Vec<Value> {
    rows.keys().map(|key| json!(key)).collect()
}

/// Possible parents of a row: only rows with smaller keys, so that there are no cycles.
fn keys_before(rows: &Rows, key: &str) -> Vec<Value> {
    rows.keys().filter(|other| other.as_str() < key).map(|other| json!(other)).collect()
}

/// Removes dates if the row would end before it starts.
fn mend_days(stored: Option<&Row>, sent: &mut Row, reading: &Reading) {
    let names_days = |sent: &Row| sent.contains_key("starts_on") || sent.contains_key("ends_on");
    if names_days(sent) && is_crossed(&merged(stored, sent, reading)) {
        sent.remove("starts_on");
    }
    if names_days(sent) && is_crossed(&merged(stored, sent, reading)) {
        sent.insert("ends_on".to_owned(), Value::Null);
    }
}

fn is_crossed(row: &Row) -> bool {
    text(row, "ends_on").is_some_and(|last| text(row, "starts_on").is_some_and(|first| last < first))
}

/// The same file with its rows in another order.
fn shuffled(choices: &mut Choices, file: &File) -> File {
    let mut file = file.clone();
    file.values_mut().for_each(|rows| choices.shuffle(rows));
    file
}

/// The model after a file.
fn applied(before: &Model, file: &File, reading: &Reading) -> Model {
    let mut model = before.clone();
    for (section, rows) in file {
        apply_section(model.get_mut(section).unwrap(), rows, reading);
    }
    model
}

fn apply_section(stored: &mut Rows, sent: &[Row], reading: &Reading) {
    let named: BTreeSet<String> = sent.iter().map(key_of).collect();
    for (key, row) in stored.iter_mut() {
        if reading.mode == "snapshot" && !named.contains(key) && !is_of_editor(row) {
            end(row, &reading.yesterday);
        }
    }
    for sent in sent {
        let key = key_of(sent);
        let before = stored.get(&key);
        if !before.is_some_and(is_of_editor) {
            let row = merged(before, sent, reading);
            stored.insert(key, row);
        }
    }
}

fn key_of(row: &Row) -> String {
    row["key"].as_str().unwrap().to_owned()
}

/// In the model, as in an export, `managed_by: editor` is left out.
fn is_of_editor(row: &Row) -> bool {
    !row.contains_key("managed_by")
}

/// Ends a row that is missing from a snapshot: yesterday, or the day before its first day if it has not started.
fn end(row: &mut Row, yesterday: &str) {
    let before_it_begins = text(row, "starts_on").map(|first| first.parse::<NaiveDate>().unwrap().pred_opt().unwrap());
    let before_it_begins = before_it_begins.map(|day| day.to_string()).unwrap_or_default();
    let last = before_it_begins.as_str().max(yesterday).to_owned();
    if text(row, "ends_on").is_none_or(|day| day > last.as_str()) {
        row.insert("ends_on".to_owned(), json!(last));
    }
}

/// The row after the sync.
fn merged(stored: Option<&Row>, sent: &Row, reading: &Reading) -> Row {
    let mut row = laid_over(stored, sent);
    row.insert("managed_by".to_owned(), json!("hr"));
    let was_over = stored.is_some_and(|stored| is_over(stored, &reading.today));
    let is_back = reading.mode == "snapshot" && !sent.contains_key("ends_on");
    if is_back && (was_over || is_over(&row, &reading.today)) {
        row.remove("ends_on");
    }
    row
}

/// The stored row with the fields that were sent: absent ones stay, null clears.
fn laid_over(stored: Option<&Row>, sent: &Row) -> Row {
    let mut row = stored.cloned().unwrap_or_default();
    for (name, value) in sent {
        if goes_without_saying(value) {
            row.remove(name);
        } else {
            row.insert(name.clone(), value.clone());
        }
    }
    row
}

fn goes_without_saying(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Whether the last day has passed, or is before the first day (called off).
fn is_over(row: &Row, today: &str) -> bool {
    text(row, "ends_on").is_some_and(|last| last < today) || is_crossed(row)
}

fn text<'r>(row: &'r Row, name: &str) -> Option<&'r str> {
    row.get(name).and_then(Value::as_str)
}

/// Sends a file as a dry run, for real, and a second time. Returns the new model.
fn check_step(town: &Town, before: &Model, file: &File, reading: &Reading) -> Result<Model, TestCaseError> {
    let after = applied(before, file, reading);
    let what = format!("{} of {} over {}", reading.mode, json!(file), json!(before));
    let (export, changes) = (town.export(), town.changes());

    let mut rehearsal = town.sync(file, reading, true);
    prop_assert_eq!(&town.export(), &export, "a rehearsal stores nothing: {}", what);
    prop_assert_eq!(town.changes(), changes, "a rehearsal logs nothing: {}", what);

    let answer = town.sync(file, reading, false);
    prop_assert_eq!(&rehearsal["dry_run"], &json!(true), "{}", what);
    rehearsal["dry_run"] = json!(false);
    prop_assert_eq!(&rehearsal, &answer, "a rehearsal answers what the real run does: {}", what);
    let written = check_answer(&answer, file, (before, &after), reading, &what)?;
    let export = town.export();
    prop_assert_eq!(&model_of(&export), &after, "{}", what);
    prop_assert_eq!(town.changes(), changes + written, "each row that is written is logged once: {}", what);

    let again = town.sync(file, reading, false);
    check_answer(&again, file, (&after, &after), reading, &format!("again, {what}"))?;
    prop_assert_eq!(&town.export(), &export, "the same file again stores nothing: {}", what);
    prop_assert_eq!(town.changes(), changes + written, "the same file again logs nothing: {}", what);
    Ok(after)
}

/// Compares an answer with the model. Returns the number of rows written.
fn check_answer(
    answer: &Value,
    file: &File,
    (before, after): (&Model, &Model),
    reading: &Reading,
    what: &str,
) -> Result<usize, TestCaseError> {
    prop_assert_eq!(answer["mode"].as_str(), Some(reading.mode), "{}", what);
    let mut written = 0;
    for (section, _) in SECTIONS {
        let Some(rows) = file.get(section) else {
            prop_assert!(answer[section].is_null(), "the file has no {}: {}", section, what);
            continue;
        };
        let told = told(&answer[section], what)?;
        written += told.values().filter(|(word, _)| !["unchanged", "skipped"].contains(word)).count();
        let expected = outcomes(&before[section], &after[section], rows, &reading.today);
        prop_assert_eq!(told, expected, "{}: {}", section, what);
    }
    Ok(written)
}

/// The outcomes in an answer's section. Requires that each key is listed once and the counts agree.
fn told(section: &Value, what: &str) -> Result<Outcomes, TestCaseError> {
    let mut told = Outcomes::new();
    for word in OUTCOMES {
        let entries = section[word].as_array().unwrap();
        prop_assert_eq!(section["counts"][word].as_u64(), Some(entries.len() as u64), "{}: {}", word, what);
        let key = |entry: &Value| entry.as_str().or_else(|| entry["key"].as_str()).unwrap().to_owned();
        let keys: Vec<String> = entries.iter().map(key).collect();
        prop_assert!(keys.is_sorted(), "{} are not in the order of their keys: {:?}: {}", word, keys, what);
        for (key, entry) in keys.into_iter().zip(entries) {
            let fields = entry["fields"].as_array().into_iter().flatten();
            let fields = fields.map(|field| field.as_str().unwrap().to_owned()).collect();
            let before = told.insert(key, (word, fields));
            prop_assert!(before.is_none(), "a row is {} and {:?}: {}", word, before, what);
        }
    }
    Ok(told)
}

/// The expected outcomes of the rows in the file, and of rows that change because they are missing from it.
fn outcomes(before: &Rows, after: &Rows, sent: &[Row], today: &str) -> Outcomes {
    let named: BTreeSet<String> = sent.iter().map(key_of).collect();
    let concerned = after.iter().filter(|(key, row)| named.contains(*key) || before.get(*key) != Some(*row));
    concerned.map(|(key, row)| (key.clone(), outcome(before.get(key), row, today))).collect()
}

fn outcome(before: Option<&Row>, after: &Row, today: &str) -> (&'static str, BTreeSet<String>) {
    let Some(before) = before else { return ("created", BTreeSet::new()) };
    if is_of_editor(before) {
        return ("skipped", BTreeSet::new());
    }
    if before == after {
        return ("unchanged", BTreeSet::new());
    }
    let ends_earlier =
        text(after, "ends_on").is_some_and(|last| text(before, "ends_on").is_none_or(|until_now| last < until_now));
    let word = match (is_over(before, today), is_over(after, today)) {
        (true, false) => "reopened",
        (false, _) if ends_earlier => "ended",
        _ => "updated",
    };
    let names = before.keys().chain(after.keys());
    (word, names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect())
}

/// The rows of an export, without defaults.
fn model_of(export: &Value) -> Model {
    let rows = |section: &str| -> Rows {
        let rows = export[section].as_array().into_iter().flatten();
        let rows = rows.map(|row| laid_over(None, row.as_object().unwrap()));
        rows.map(|row| (key_of(&row), without_editor(row))).collect()
    };
    SECTIONS.into_iter().map(|(section, _)| (section, rows(section))).collect()
}

fn without_editor(mut row: Row) -> Row {
    if text(&row, "managed_by") == Some("editor") {
        row.remove("managed_by");
    }
    row
}
