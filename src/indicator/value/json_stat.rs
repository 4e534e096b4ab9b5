//! Values as a cube: JSON-stat 2.0 (<https://json-stat.org/full/>), with the dimensions indicator, period, unit and
//! group.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::head::IndicatorHead;
use super::model::ValueItem;
use crate::db::types::{RegisterKey, Timestamp};
use crate::indicator::number;
use crate::language::Language;
use crate::period::Period;
use crate::problem::{Kind, Problem, Result};

/// How many cells a cube may have, empty ones included: more is for CSV, which is streamed.
pub const MOST_CELLS: usize = 1_000_000;

/// How many decimals are worth showing of what says nothing of them.
const MOST_DECIMALS: i32 = 2;

/// The whole municipality, and everybody: no key begins like this.
const ALL: &str = "_all";

/// A dataset of JSON-stat 2.0: values in the order of the dimensions, the last one running fastest.
#[derive(Debug, Serialize, ToSchema)]
pub struct JsonStat {
    /// `2.0`
    #[schema(example = "2.0")]
    version: &'static str,
    /// `dataset`
    #[schema(example = "dataset")]
    class: &'static str,
    /// What it is called.
    #[schema(example = "Sygefravær")]
    label: String,
    /// Where the values come from; null where there are several indicators, or nobody said.
    source: Option<String>,
    /// When values were last written; null where none ever was.
    updated: Option<Timestamp>,
    /// The dimensions.
    #[schema(value_type = Vec<String>, example = json!(["indicator", "period", "unit", "group"]))]
    id: [&'static str; 4],
    /// How many categories each has.
    #[schema(value_type = Vec<usize>, example = json!([1, 60, 14, 1]))]
    size: [usize; 4],
    /// Which dimension is the time, and which says what is measured.
    #[schema(value_type = Object, example = json!({"time": ["period"], "metric": ["indicator"]}))]
    role: Value,
    /// The categories of each dimension; `_all` is the whole municipality, and everybody.
    #[schema(value_type = Object, example = json!(example!("json_stat_dimension")))]
    dimension: Value,
    /// The numbers; null where there is none, or it is hidden.
    #[schema(value_type = Vec<Option<f64>>, example = json!([5.4, null]))]
    value: Vec<Value>,
    /// The status of some of them, by position: `suppressed`, `partial` or `provisional`.
    #[schema(value_type = Object, example = json!({"1": "suppressed"}))]
    status: BTreeMap<usize, &'static str>,
    /// `indicators`: what one needs to know of each to understand its values.
    #[schema(value_type = Object, example = json!({"indicators": []}))]
    extension: Value,
}

/// A cube of values; `names` are those of the units by key.
pub fn cube(
    heads: &[IndicatorHead],
    items: &[ValueItem],
    names: &HashMap<RegisterKey, String>,
    language: Language,
) -> Result<JsonStat> {
    let periods: BTreeSet<Period> = items.iter().map(|item| item.period).collect();
    let units: BTreeSet<Option<&RegisterKey>> = items.iter().map(|item| item.unit.as_ref()).collect();
    let groups: BTreeSet<Option<&RegisterKey>> = items.iter().map(|item| item.group.as_ref()).collect();
    let size = [heads.len(), periods.len(), units.len(), groups.len()];
    let cells = size.iter().try_fold(1_usize, |cells, size| cells.checked_mul(*size)).unwrap_or(usize::MAX);
    if cells > MOST_CELLS {
        let detail =
            format!("A cube holds at most {MOST_CELLS} cells, and this would be {cells}: ask for less, or for CSV.");
        return Err(Problem::new(Kind::InvalidQuery, detail));
    }
    let indicator_places: HashMap<&str, usize> =
        heads.iter().zip(0..).map(|(head, n)| (head.key.as_str(), n)).collect();
    let period_places: HashMap<Period, usize> = periods.iter().zip(0..).map(|(period, n)| (*period, n)).collect();
    let unit_places: HashMap<Option<&RegisterKey>, usize> = units.iter().zip(0..).map(|(unit, n)| (*unit, n)).collect();
    let group_places: HashMap<Option<&RegisterKey>, usize> =
        groups.iter().zip(0..).map(|(group, n)| (*group, n)).collect();
    let (mut value, mut status) = (vec![Value::Null; cells], BTreeMap::new());
    for item in items {
        let places = [
            indicator_places.get(item.indicator.as_str()),
            period_places.get(&item.period),
            unit_places.get(&item.unit.as_ref()),
            group_places.get(&item.group.as_ref()),
        ];
        let place = places.iter().zip(size).try_fold(0, |place, (step, size)| step.map(|step| place * size + step));
        let Some(place) = place else { continue };
        value[place] = item.value.map_or(Value::Null, number::json);
        if let Some(word) = status_of(item) {
            status.insert(place, word);
        }
    }
    let whole = language.text("whole-municipality");
    let everybody = language.text("all-employees");
    let label = |key: &Option<&RegisterKey>, all: &str| match key {
        None => all.to_owned(),
        Some(key) => names.get(key).cloned().unwrap_or_else(|| key.to_string()),
    };
    let id = |key: &Option<&RegisterKey>| key.map_or_else(|| ALL.to_owned(), ToString::to_string);
    let dimension = json!({
        "indicator": indicators(heads, language),
        "period": {
            "label": language.text("cube-period"),
            "category": {"index": periods.iter().map(ToString::to_string).collect::<Vec<_>>()},
        },
        "unit": category(
            language.text("cube-unit"),
            units.iter().map(|unit| (id(unit), label(unit, &whole))),
        ),
        "group": category(
            language.text("cube-group"),
            groups.iter().map(|group| (id(group), label(group, &everybody))),
        ),
    });
    let single = |text: fn(&IndicatorHead) -> Option<String>| match heads {
        [head] => text(head),
        _ => None,
    };
    Ok(JsonStat {
        version: "2.0",
        class: "dataset",
        label: single(|head| Some(head.title.to_string())).unwrap_or_else(|| language.text("cube-indicators")),
        source: single(|head| head.source.as_ref().map(ToString::to_string)),
        updated: heads.iter().filter_map(|head| head.values_updated_at).max(),
        id: ["indicator", "period", "unit", "group"],
        size,
        role: json!({"time": ["period"], "metric": ["indicator"]}),
        dimension,
        value,
        status,
        extension: json!({"indicators": heads}),
    })
}

/// The status of a cell, if it has one.
fn status_of(item: &ValueItem) -> Option<&'static str> {
    let is_partial = item.units_with_value.zip(item.units).is_some_and(|(measured, units)| measured < units);
    match item {
        item if item.is_suppressed => Some("suppressed"),
        _ if is_partial => Some("partial"),
        item if item.is_provisional => Some("provisional"),
        _ => None,
    }
}

fn indicators(heads: &[IndicatorHead], language: Language) -> Value {
    let labels: Map<String, Value> =
        heads.iter().map(|head| (head.key.to_string(), head.title.as_str().into())).collect();
    // The standard wants the decimals of every unit that is named.
    let unit = |head: &IndicatorHead| {
        let label = head.unit_of_measure.as_ref()?.as_str();
        let decimals = head.decimals.unwrap_or(MOST_DECIMALS);
        Some((head.key.to_string(), json!({"label": label, "decimals": decimals})))
    };
    json!({
        "label": language.text("cube-indicator"),
        "category": {
            "index": heads.iter().map(|head| head.key.as_str()).collect::<Vec<_>>(),
            "label": labels,
            "unit": heads.iter().filter_map(unit).collect::<Map<String, Value>>(),
        },
    })
}

fn category(label: String, categories: impl Iterator<Item = (String, String)>) -> Value {
    let (mut index, mut labels) = (Vec::new(), Map::new());
    for (id, label) in categories {
        labels.insert(id.clone(), label.into());
        index.push(id);
    }
    json!({"label": label, "category": {"index": index, "label": labels}})
}
