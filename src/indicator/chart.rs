//! One series of an indicator as a picture, with its targets and benchmarks.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use super::Indicators;
use super::model::{Frequency, Indicator};
use super::picture::{Line, Picture, Point, TargetMark};
use super::target::Target;
use super::value::head::IndicatorSelector;
use super::value::model::ValueItem;
use super::value::query::{ResolvedQuery, TotalOr, ValueQuery};
use super::value::store::heads::head_of;
use super::value::{read, store};
use super::verdict::Goal;
use crate::db::Tenant;
use crate::db::types::{Key, Reference};
use crate::language::Language;
use crate::period::Period;
use crate::problem::{Kind, Problem, Result};
use crate::resource;

/// How many points a picture has room for.
const MOST_POINTS: usize = 1_000;

/// The picture of one series: one unit's or the municipality's, of one group or everybody.
pub fn chart(
    tenant: &mut Tenant<'_>,
    selector: IndicatorSelector,
    query: ValueQuery,
    language: Language,
) -> Result<String> {
    if query.subtree {
        return Err(Problem::new(Kind::InvalidQuery, "A picture shows one unit's series: leave 'subtree' out."));
    }
    let reference = selector.one.ok_or_else(|| Problem::internal("a picture of no indicator"))?;
    let indicator = resource::read::<Indicators>(tenant, &reference)?;
    let head = head_of(tenant, &Reference::Id(indicator.id()))?;
    let unit = query.unit.or(Some(TotalOr::Total));
    let group = query.group.or(Some(TotalOr::Total));
    let query = ValueQuery { unit, group, ..query };
    let unit = match &query.unit {
        Some(TotalOr::One(unit)) => Some(store::unit_named(tenant, unit)?),
        _ => None,
    };
    let group = match &query.group {
        Some(TotalOr::One(group)) => Some(group.to_string()),
        _ => None,
    };
    let query = ResolvedQuery::resolve(tenant, query)?;
    let mut items: Vec<ValueItem> = Vec::new();
    read::visit(tenant, &[head], &query, None, |_, found| {
        items.extend(found);
        Ok(ControlFlow::Continue(()))
    })?;
    let benchmarks = match group {
        None => store::benchmark_values(tenant, &[indicator.id()], None, query.periods())?,
        Some(_) => Vec::new(),
    };
    let own: BTreeMap<Period, Point> = items.iter().map(|item| (item.period, point(item))).collect();
    let others: BTreeMap<(Key, Period), Point> = benchmarks
        .into_iter()
        .map(|value| {
            let point = Point::Value { value: value.value, is_provisional: value.is_provisional };
            ((value.benchmark, value.period), point)
        })
        .collect();
    let measured: BTreeSet<Period> = own.keys().copied().chain(others.keys().map(|(_, period)| *period)).collect();
    let periods = axis(&measured, indicator.body.frequency);
    if periods.len() > MOST_POINTS {
        let detail = format!("A picture has room for {MOST_POINTS} periods: narrow it with 'from' and 'to'.");
        return Err(Problem::new(Kind::InvalidQuery, detail));
    }
    let line = |points: &dyn Fn(Period) -> Option<Point>| -> Vec<Point> {
        periods.iter().map(|period| points(*period).unwrap_or(Point::Missing)).collect()
    };
    let whole = language.text("whole-municipality");
    let unit_name = unit.as_ref().map_or(whole.as_str(), |(_, name)| name.as_str());
    let subtitle = subtitle(&indicator, unit_name, group.as_deref());
    // Targets and benchmarks are for everybody.
    let marks = match group {
        None => targets(&indicator, unit.as_ref().map(|(key, _)| key.clone().into()), &own, language),
        Some(_) => Vec::new(),
    };
    let picture = Picture {
        title: indicator.body.title.as_str(),
        subtitle: &subtitle,
        periods: periods.iter().map(ToString::to_string).collect(),
        own: Line { name: indicator.body.title.as_str(), points: line(&|period| own.get(&period).copied()) },
        benchmarks: indicator
            .body
            .benchmarks
            .iter()
            .filter(|_| group.is_none())
            .map(|benchmark| Line {
                name: benchmark.name.as_str(),
                points: line(&|period| others.get(&(benchmark.key.clone(), period)).copied()),
            })
            .collect(),
        targets: marks.iter().map(|(name, value)| TargetMark { name, value: *value }).collect(),
        decimals: indicator.body.decimals,
        language,
    };
    Ok(picture.to_string())
}

fn point(item: &ValueItem) -> Point {
    match item.value {
        None => Point::Hidden,
        Some(value) => Point::Value { value, is_provisional: item.is_provisional },
    }
}

/// Every period from the first to the last, so that those without a value are gaps.
fn axis(measured: &BTreeSet<Period>, frequency: Frequency) -> Vec<Period> {
    let (Some(first), Some(last)) = (measured.first(), measured.last()) else { return Vec::new() };
    if frequency == Frequency::Once {
        return measured.iter().copied().collect();
    }
    let step = if frequency == Frequency::Biennium { 2 } else { 1 };
    std::iter::successors(Some(*first), |period| (0..step).try_fold(*period, |period, _| Some(period.successor())))
        .take_while(|period| period <= last)
        .take(MOST_POINTS + 1)
        .collect()
}

/// "dage pr. ansat · Skolen ved Åen · paedagoger · Lønsystemet": the measure stands right above its axis.
fn subtitle(indicator: &Indicator, unit: &str, group: Option<&str>) -> String {
    let measure = indicator.body.unit_of_measure.as_ref().map(|measure| measure.as_str());
    let source = indicator.body.source.as_ref().map(|source| source.as_str());
    [measure, Some(unit), group, source].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// The targets of a unit that are a number, or the number of an earlier period, with what they are called.
fn targets(
    indicator: &Indicator,
    unit: Option<Reference>,
    own: &BTreeMap<Period, Point>,
    language: Language,
) -> Vec<(String, f64)> {
    let mark = |target: &Target| {
        let value = match Goal::for_target(target)? {
            Goal::Number(number) => number,
            Goal::Period(period) => match own.get(&period)? {
                Point::Value { value, .. } => *value,
                Point::Hidden | Point::Missing => return None,
            },
            Goal::Benchmark => return None,
        };
        Some((target_name(target, value, indicator.body.decimals, language), value))
    };
    indicator.body.targets.iter().filter(|target| target.unit == unit).filter_map(mark).collect()
}

/// "Mål 2026: højst 11,5"
fn target_name(target: &Target, value: f64, decimals: Option<i32>, language: Language) -> String {
    let period = target.period.map_or_else(|| "none".to_owned(), |period| period.to_string());
    let variables = [
        ("period", period.into()),
        ("rule", target.rule.as_str().into()),
        ("value", language.number(value, decimals).into()),
    ];
    language.format("chart-target", &variables)
}
