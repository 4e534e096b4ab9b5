//! The statements that an answer needs at least, as bare SQL: the limit that the database sets. Keep them in step with
//! what the service stores.

use chrono::NaiveDate;
use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Bool, Date, Double, Integer, Nullable, Text, Timestamp};
use medstrategi::db::types::Id;
use medstrategi::db::{AnyConnection, Engine};

use super::sql::{execute, rows};
use super::town::{MUNICIPALITY, STRATEGY};

/// The number of rows of a statement.
macro_rules! count {
    ($($statement:tt)*) => { rows!($($statement)*).len() };
}

fn municipality() -> String {
    format!("(SELECT id FROM municipalities WHERE key = '{MUNICIPALITY}')")
}

/// Reads the sequence of the latest change, which is all that a 304 needs.
pub fn newest_change(connection: &mut AnyConnection) -> usize {
    let municipality = municipality();
    let sql =
        format!("SELECT sequence FROM changes WHERE municipality_id = {municipality} ORDER BY sequence DESC LIMIT 1");
    count!(connection, &sql, [BigInt])
}

const COMMITTEE: &str = "SELECT c.id, c.key, c.name, l.key, p.key, c.form, c.mandate, c.starts_on, c.ends_on, \
     c.managed_by, c.version, c.created_at, c.updated_at \
     FROM committees c LEFT JOIN levels l ON l.id = c.level_id LEFT JOIN committees p ON p.id = c.parent_id";

/// The number of committees that [`COMMITTEE`] finds with this condition.
macro_rules! count_committees {
    ($connection:expr, $which:expr, $texts:expr) => {
        count!($connection, &format!("{COMMITTEE} {}", $which), $texts, [
            Text, Text, Text, Nullable<Text>, Nullable<Text>, Text, Nullable<Text>, Nullable<Date>, Nullable<Date>,
            Text, Integer, Timestamp, Timestamp,
        ])
    };
}

/// Reads a committee and the units that it covers.
pub fn committee(connection: &mut AnyConnection, key: &str) -> usize {
    let municipality = municipality();
    let which = format!("WHERE c.municipality_id = {municipality} AND c.key = ?");
    let committees = count_committees!(connection, which, &[key]);
    let sql = format!(
        "SELECT u.key FROM committees c JOIN committee_units cu ON cu.committee_id = c.id \
         JOIN units u ON u.id = cu.unit_id WHERE c.municipality_id = {municipality} AND c.key = ? ORDER BY cu.position"
    );
    committees + count!(connection, &sql, &[key], [Text])
}

/// Reads a page of committees, one more (which shows whether another page follows), and the units that they cover.
pub fn committees(connection: &mut AnyConnection, page: usize) -> usize {
    let (municipality, limit) = (municipality(), page + 1);
    let which = format!("WHERE c.municipality_id = {municipality} ORDER BY c.key LIMIT {limit}");
    let committees = count_committees!(connection, which, &[]);
    let sql = format!(
        "SELECT cu.committee_id, u.key FROM committee_units cu JOIN units u ON u.id = cu.unit_id \
         WHERE cu.committee_id IN (SELECT id FROM committees WHERE municipality_id = {municipality} \
         ORDER BY key LIMIT {limit}) ORDER BY cu.committee_id, cu.position"
    );
    committees + count!(connection, &sql, [Text, Text])
}

/// Reads a strategy with its focus areas, objectives, actions and audiences.
pub fn strategy(connection: &mut AnyConnection) -> usize {
    let municipality = municipality();
    let which = format!("WHERE s.municipality_id = {municipality} AND s.key = '{STRATEGY}'");
    let sql = format!(
        "SELECT s.id, s.key, s.title, s.headline, s.kind, s.status, s.starts_on, s.ends_on, s.period_note, \
         s.adopted_in, s.adopted_note, s.vision, s.purpose, s.background, s.legal_basis, s.review_note, s.source, s.explainers, \
         s.version, s.created_at, s.updated_at FROM strategies s {which}"
    );
    let mut rows = count!(connection, &sql, [
        Text, Text, Text, Nullable<Text>, Text, Text, Nullable<Date>, Nullable<Date>, Nullable<Text>, Nullable<Text>,
        Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<Text>,
        Text, Integer, Timestamp, Timestamp,
    ]);
    let sql = format!(
        "SELECT f.id, f.key, f.number, f.title, f.subtitle, f.vision, f.context, f.follow_up, f.explainers, f.version, \
         f.created_at, f.updated_at FROM focus_areas f JOIN strategies s ON s.id = f.strategy_id {which} \
         ORDER BY f.position"
    );
    rows += count!(connection, &sql, [
        Text, Text, Nullable<Text>, Text, Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<Text>, Text, Integer,
        Timestamp, Timestamp,
    ]);
    let in_strategy =
        format!("focus_areas f ON f.id = x.focus_area_id JOIN strategies s ON s.id = f.strategy_id {which}");
    let sql = format!(
        "SELECT x.focus_area_id, x.id, x.key, x.kind, x.text, x.evidence, x.version, x.created_at, x.updated_at \
         FROM objectives x JOIN {in_strategy} ORDER BY x.focus_area_id, x.position"
    );
    rows += count!(connection, &sql, [
        Text, Text, Text, Text, Text, Nullable<Text>, Integer, Timestamp, Timestamp,
    ]);
    let sql = format!(
        "SELECT x.focus_area_id, x.id, x.key, x.number, x.title, x.text, x.kind, x.recurrence, x.starts_on, x.due_on, \
         x.invites_local, x.cancelled_on, x.cancelled_reason, x.milestones, x.version, x.created_at, x.updated_at \
         FROM actions x JOIN {in_strategy} ORDER BY x.focus_area_id, x.position"
    );
    rows += count!(connection, &sql, [
        Nullable<Text>, Text, Text, Nullable<Text>, Text, Nullable<Text>, Text, Nullable<Text>, Nullable<Date>,
        Nullable<Date>, Bool, Nullable<Date>, Nullable<Text>, Text, Integer, Timestamp, Timestamp,
    ]);
    let sql = format!(
        "SELECT h.action_id, h.role, l.key, c.key, u.key FROM action_audience h JOIN actions x ON x.id = h.action_id \
         LEFT JOIN levels l ON l.id = h.level_id LEFT JOIN committees c ON c.id = h.committee_id \
         LEFT JOIN units u ON u.id = h.unit_id JOIN {in_strategy} ORDER BY h.action_id, h.position"
    );
    rows + count!(connection, &sql, [Text, Text, Nullable<Text>, Nullable<Text>, Nullable<Text>])
}

/// Reads the indicator, and the values of one unit.
pub fn series(connection: &mut AnyConnection, indicator: &str, unit: &str) -> usize {
    let municipality = municipality();
    let sql = format!(
        "SELECT id, key, title, definition, unit_of_measure, direction, frequency, source, method, decimals, \
         aggregation, min_group, values_updated_at FROM indicators WHERE municipality_id = {municipality} AND key = ?"
    );
    let indicators = count!(connection, &sql, &[indicator], [
        Text, Text, Text, Nullable<Text>, Nullable<Text>, Text, Text, Nullable<Text>, Text, Nullable<Integer>, Text,
        Nullable<Integer>, Nullable<Timestamp>,
    ]);
    let sql = format!(
        "SELECT v.period, v.value, v.people, v.is_provisional, v.note \
         FROM value_series s JOIN indicator_values v ON v.series_id = s.id \
         WHERE s.indicator_id = (SELECT id FROM indicators WHERE municipality_id = {municipality} AND key = ?) \
         AND s.unit_id = (SELECT id FROM units WHERE municipality_id = {municipality} AND key = ?) \
         AND s.employee_group = '' AND s.benchmark_id IS NULL ORDER BY v.period"
    );
    indicators
        + count!(connection, &sql, &[indicator, unit], [Integer, Double, Nullable<Integer>, Bool, Nullable<Text>])
}

/// The subject and the author of a report.
pub struct Report {
    pub action_id: String,
    /// Its period, or empty.
    pub occurrence: String,
    pub committee: String,
    /// The token subject in the change log.
    pub subject: &'static str,
}

/// Looks up what a report refers to, and stores it in one transaction: its row, its line in the change log, and the
/// latest report of the assignment. The counts are rewritten unchanged, which is the least that an update costs.
pub fn report(connection: &mut AnyConnection, report: &Report) {
    let Report { action_id, occurrence, committee, subject } = report;
    let (municipality, id) = (municipality(), Id::new().to_string());
    let begin = match connection.engine() {
        Engine::Postgres => "BEGIN",
        Engine::Sqlite => "BEGIN IMMEDIATE",
    };
    connection.batch_execute(begin).unwrap();

    let sql = format!("SELECT id FROM actors WHERE municipality_id = {municipality} AND subject = ?");
    let actors = rows!(connection, &sql, &[subject], [Text]);
    let (actor,) = actors.first().expect("the service has seen the subject");
    let sql = "SELECT a.recurrence, a.starts_on, a.due_on, a.cancelled_on, s.starts_on, s.ends_on \
         FROM actions a JOIN focus_areas f ON f.id = a.focus_area_id JOIN strategies s ON s.id = f.strategy_id \
         WHERE a.id = ?";
    let actions = count!(connection, sql, &[action_id], [
        Nullable<Text>, Nullable<Date>, Nullable<Date>, Nullable<Date>, Nullable<Date>, Nullable<Date>,
    ]);
    let sql = "SELECT role, level_id, committee_id, unit_id FROM action_audience WHERE action_id = ?";
    let audience = count!(connection, sql, &[action_id], [Text, Nullable<Text>, Nullable<Text>, Nullable<Text>]);
    assert!(actions == 1 && audience > 0);
    let sql = format!(
        "SELECT id, level_id, starts_on, ends_on FROM committees WHERE municipality_id = {municipality} AND key = ?"
    );
    let parties = rows!(connection, &sql, &[committee], [Text, Nullable<Text>, Nullable<Date>, Nullable<Date>]);
    let party = &parties.first().expect("there is such a committee").0;

    let sql = format!(
        "INSERT INTO reports (id, municipality_id, action_id, committee_id, occurrence, stage, judgement, note, \
         actor_id, reported_at) \
         VALUES (?, {municipality}, ?, ?, ?, 'done', 'on_track', '{NOTE}', ?, CURRENT_TIMESTAMP)"
    );
    execute(connection, &sql, &[&id, action_id, party, occurrence, actor]);
    let sql = format!(
        "INSERT INTO changes (municipality_id, at, actor_id, entity, entity_id, operation, after) \
         VALUES ({municipality}, CURRENT_TIMESTAMP, ?, 'report', ?, 'created', '{{\"note\": \"{NOTE}\"}}')"
    );
    execute(connection, &sql, &[actor, &id]);
    let sql = "INSERT INTO latest_reports \
         (action_id, occurrence, party_id, committee_id, report_id, stage, reported_at) VALUES (?, ?, ?, ?, ?, 'done', CURRENT_TIMESTAMP) ON CONFLICT (action_id, occurrence, party_id) \
         DO UPDATE SET report_id = excluded.report_id, stage = excluded.stage, reported_at = excluded.reported_at";
    execute(connection, sql, &[action_id, occurrence, party, party, &id]);
    let sql = "UPDATE tallies SET cells = cells || '' WHERE action_id = ? AND occurrence = ?";
    execute(connection, sql, &[action_id, occurrence]);
    connection.batch_execute("COMMIT").unwrap();
}

/// The note of every report.
pub const NOTE: &str = "Drøftet på mødet; vi er i mål.";

/// The statements that the progress of a strategy needs at least, written by hand.
pub struct StrategyProgress {
    pub engine: Engine,
    pub strategy_id: String,
    pub first: NaiveDate,
    pub today: NaiveDate,
}

impl StrategyProgress {
    /// Runs them all and returns the number of rows.
    pub fn run(&self, connection: &mut AnyConnection) -> usize {
        let strategy_id = &self.strategy_id;
        let municipality = municipality();
        // For the entity tag.
        let mut rows = newest_change(connection);

        let sql = format!(
            "SELECT id, title, status, starts_on, ends_on FROM strategies \
             WHERE municipality_id = {municipality} AND key = '{STRATEGY}'"
        );
        rows += count!(connection, &sql, [
            Text, Text, Text,
            Nullable<Date>, Nullable<Date>,
        ]);

        // The dates of its actions, and their audiences.
        let sql = format!(
            "SELECT a.id, a.recurrence, a.starts_on, a.due_on, a.cancelled_on \
             FROM focus_areas f JOIN actions a ON a.focus_area_id = f.id WHERE f.strategy_id = '{strategy_id}'"
        );
        rows += count!(connection, &sql, [
            Text, Nullable<Text>,
            Nullable<Date>, Nullable<Date>,
            Nullable<Date>,
        ]);
        let sql = format!(
            "SELECT h.action_id, h.role, h.level_id, h.committee_id, h.unit_id \
             FROM focus_areas f JOIN actions a ON a.focus_area_id = f.id JOIN action_audience h ON h.action_id = a.id \
             WHERE f.strategy_id = '{strategy_id}' AND h.role IN ('responsible', 'accountable')"
        );
        rows += count!(connection, &sql, [
            Text, Text,
            Nullable<Text>, Nullable<Text>, Nullable<Text>,
        ]);

        // How many committees each level has on which days. Days before the strategy and in the future are equal.
        let (first, today) = (self.day(self.first), self.day(self.today));
        let sql = format!(
            "SELECT level_id, founded_on, closed_on, COUNT(*) FROM (SELECT level_id, \
             CASE WHEN starts_on > {first} THEN starts_on END AS founded_on, \
             CASE WHEN ends_on < {today} THEN ends_on END AS closed_on \
             FROM committees WHERE municipality_id = {municipality} AND level_id IS NOT NULL) AS lifetimes \
             GROUP BY level_id, founded_on, closed_on"
        );
        rows += count!(connection, &sql, [
            Text, Nullable<Date>, Nullable<Date>, BigInt,
        ]);

        // The counts of what committees of levels have reported.
        let sql = format!(
            "SELECT t.action_id, t.occurrence, t.cells \
             FROM focus_areas f JOIN actions a ON a.focus_area_id = f.id JOIN tallies t ON t.action_id = a.id \
             WHERE f.strategy_id = '{strategy_id}'"
        );
        rows += count!(connection, &sql, [Text, Text, Text]);

        // The latest reports of assignees that are named one by one.
        let named = |party: &str| {
            format!(
                "SELECT l.action_id, l.occurrence, l.party_id, l.stage, l.reported_at \
                 FROM focus_areas f JOIN actions a ON a.focus_area_id = f.id \
                 JOIN action_audience h ON h.action_id = a.id \
                 JOIN latest_reports l ON l.{party} = h.{party} AND l.action_id = h.action_id \
                 WHERE f.strategy_id = '{strategy_id}' AND h.role IN ('responsible', 'accountable')"
            )
        };
        let sql = format!("{} UNION ALL {}", named("committee_id"), named("unit_id"));
        rows += count!(connection, &sql, [Text, Text, Text, Text, Timestamp,]);

        // The local actions that its actions have inspired.
        let sql = format!(
            "SELECT a.id, a.starts_on, a.due_on, a.cancelled_on, c.starts_on, c.ends_on, l.stage, l.reported_at \
             FROM focus_areas f JOIN actions p ON p.focus_area_id = f.id JOIN actions a ON a.parent_id = p.id \
             JOIN committees c ON c.id = a.committee_id LEFT JOIN latest_reports l ON l.action_id = a.id \
             WHERE f.strategy_id = '{strategy_id}'"
        );
        rows += count!(connection, &sql, [
            Text,
            Nullable<Date>, Nullable<Date>,
            Nullable<Date>,
            Nullable<Date>, Nullable<Date>,
            Nullable<Text>, Nullable<Timestamp>,
        ]);
        rows
    }

    /// A date literal in SQL.
    fn day(&self, day: NaiveDate) -> String {
        match self.engine {
            Engine::Postgres => format!("DATE '{day}'"),
            Engine::Sqlite => format!("'{day}'"),
        }
    }
}
