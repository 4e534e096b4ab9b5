//! The rows of strategies, focus areas and objectives.

use chrono::NaiveDate;
use diesel::prelude::*;

use crate::action::store::PlanPosition;
use crate::db::schema::{focus_areas, objectives, strategies};
use crate::db::types::{Id, Json, Key, Reference, RegisterKey, Timestamp};
use crate::period::Period;
use crate::resource::Entity;
use crate::strategy::model::{
    Explainer, FocusAreaFields, FocusAreaSummary, Objective, ObjectiveBody, ObjectiveKind, Source, StrategyFields,
    StrategyKind, StrategyStatus, StrategySummary,
};
use crate::text::{LongText, ShortText};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = strategies, treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct StrategyRow {
    id: Id,
    municipality_id: Id,
    key: Key,
    title: ShortText,
    headline: Option<ShortText>,
    kind: StrategyKind,
    status: StrategyStatus,
    starts_on: Option<NaiveDate>,
    ends_on: Option<NaiveDate>,
    period_note: Option<ShortText>,
    adopted_by_id: Option<Id>,
    adopted_in: Option<Period>,
    adopted_note: Option<ShortText>,
    predecessor_id: Option<Id>,
    vision: Option<LongText>,
    purpose: Option<LongText>,
    background: Option<LongText>,
    legal_basis: Option<LongText>,
    review_note: Option<LongText>,
    source: Option<Json<Source>>,
    explainers: Json<Vec<Explainer>>,
    search_text: String,
    version: i32,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl StrategyRow {
    pub fn new(
        municipality_id: Id,
        strategy: &StrategySummary,
        adopted_by_id: Option<Id>,
        predecessor_id: Option<Id>,
    ) -> Self {
        let body = strategy.body.clone();
        Self {
            id: strategy.id(),
            municipality_id,
            search_text: body.search_text(),
            key: body.key,
            title: body.title,
            headline: body.headline,
            kind: body.kind,
            status: body.status,
            starts_on: body.starts_on,
            ends_on: body.ends_on,
            period_note: body.period_note,
            adopted_by_id,
            adopted_in: body.adopted_in,
            adopted_note: body.adopted_note,
            predecessor_id,
            vision: body.vision,
            purpose: body.purpose,
            background: body.background,
            legal_basis: body.legal_basis,
            review_note: body.review_note,
            source: body.source.map(Json),
            explainers: Json(body.explainers),
            version: strategy.revision.version,
            created_at: strategy.revision.created_at,
            updated_at: strategy.revision.updated_at,
        }
    }

    pub fn into_summary(self, adopted_by: Option<RegisterKey>, predecessor: Option<RegisterKey>) -> StrategySummary {
        let body = StrategyFields {
            key: self.key,
            title: self.title,
            headline: self.headline,
            kind: self.kind,
            status: self.status,
            starts_on: self.starts_on,
            ends_on: self.ends_on,
            period_note: self.period_note,
            adopted_by: adopted_by.map(Into::into),
            adopted_in: self.adopted_in,
            adopted_note: self.adopted_note,
            predecessor: predecessor.map(Into::into),
            vision: self.vision,
            purpose: self.purpose,
            background: self.background,
            legal_basis: self.legal_basis,
            review_note: self.review_note,
            source: self.source.map(|source| source.0),
            explainers: self.explainers.0,
        };
        Entity::found(self.id, body, (self.version, self.created_at, self.updated_at))
    }
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = focus_areas, treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct FocusAreaRow {
    id: Id,
    municipality_id: Id,
    strategy_id: Id,
    position: i32,
    key: Key,
    number: Option<ShortText>,
    title: ShortText,
    subtitle: Option<ShortText>,
    vision: Option<LongText>,
    context: Option<LongText>,
    follow_up: Option<LongText>,
    explainers: Json<Vec<Explainer>>,
    version: i32,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl FocusAreaRow {
    pub fn new(municipality_id: Id, strategy_id: Id, position: i32, area: &FocusAreaSummary) -> Self {
        let body = area.body.clone();
        Self {
            id: area.id(),
            municipality_id,
            strategy_id,
            position,
            key: body.key,
            number: body.number,
            title: body.title,
            subtitle: body.subtitle,
            vision: body.vision,
            context: body.context,
            follow_up: body.follow_up,
            explainers: Json(body.explainers),
            version: area.revision.version,
            created_at: area.revision.created_at,
            updated_at: area.revision.updated_at,
        }
    }

    /// The place of the row.
    pub fn place(&self, strategy_key: RegisterKey, strategy_starts_on: Option<NaiveDate>) -> PlanPosition {
        PlanPosition {
            strategy_id: self.strategy_id,
            strategy_key,
            strategy_starts_on,
            focus_area_id: self.id,
            focus_area_key: self.key.clone().into(),
            position: self.position,
        }
    }

    pub fn into_area(self, place: &PlanPosition, continues: Vec<Reference>) -> FocusAreaSummary {
        let body = FocusAreaFields {
            key: self.key,
            number: self.number,
            title: self.title,
            subtitle: self.subtitle,
            vision: self.vision,
            context: self.context,
            follow_up: self.follow_up,
            continues,
            explainers: self.explainers.0,
        };
        let mut area = Entity::found(self.id, body, (self.version, self.created_at, self.updated_at));
        area.identity.path = Some(Reference::Path(place.base().to_vec()).to_string());
        area
    }
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = objectives, treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct ObjectiveRow {
    pub id: Id,
    municipality_id: Id,
    pub focus_area_id: Id,
    pub position: i32,
    key: Key,
    kind: ObjectiveKind,
    text: LongText,
    evidence: Option<LongText>,
    version: i32,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl ObjectiveRow {
    pub fn new(municipality_id: Id, focus_area_id: Id, position: i32, objective: &Objective) -> Self {
        let body = objective.body.clone();
        Self {
            id: objective.id(),
            municipality_id,
            focus_area_id,
            position,
            key: body.key,
            kind: body.kind,
            text: body.text,
            evidence: body.evidence,
            version: objective.revision.version,
            created_at: objective.revision.created_at,
            updated_at: objective.revision.updated_at,
        }
    }

    /// The objective at `place`; `counterpart` is the whole path of its counterpart.
    pub fn into_objective(self, place: &PlanPosition, counterpart: Option<&[RegisterKey; 3]>) -> Objective {
        let base = place.base();
        let path = [base.as_slice(), &[self.key.clone().into()]].concat();
        let body = ObjectiveBody {
            key: self.key,
            kind: self.kind,
            text: self.text,
            evidence: self.evidence,
            counterpart: counterpart.map(|counterpart| Reference::shortest(counterpart, &base)),
        };
        let mut objective = Entity::found(self.id, body, (self.version, self.created_at, self.updated_at));
        objective.identity.path = Some(Reference::Path(path).to_string());
        objective
    }
}
