//! The tables, as both engines have them; a test compares this file with the migrated databases.

// The macro makes items of the columns, whose names say what they are.
#![allow(missing_docs)]

use diesel::{allow_tables_to_appear_in_same_query, joinable, table};

table! {
    /// The tenants.
    municipalities (id) {
        id -> Text,
        key -> Text,
        code -> Text,
        name -> Text,
        sync_guard_percent -> Integer,
        sync_guard_rows -> Integer,
        version -> Integer,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        reporting_roles -> Text,
        min_group -> Integer,
    }
}

table! {
    /// Whoever writes.
    actors (id) {
        id -> Text,
        municipality_id -> Text,
        issuer -> Text,
        subject -> Text,
    }
}

table! {
    /// The change log.
    changes (sequence) {
        sequence -> BigInt,
        municipality_id -> Text,
        at -> Timestamp,
        actor_id -> Text,
        entity -> Text,
        entity_id -> Text,
        operation -> Text,
        before -> Nullable<Text>,
        after -> Nullable<Text>,
    }
}

table! {
    /// Ranks in the committee tree.
    levels (id) {
        id -> Text,
        municipality_id -> Text,
        key -> Text,
        name -> Text,
        rank -> Integer,
        staff_meeting_below -> Nullable<Integer>,
        version -> Integer,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

table! {
    /// Centres, departments and workplaces.
    units (id) {
        id -> Text,
        municipality_id -> Text,
        key -> Text,
        name -> Text,
        kind -> Text,
        parent_id -> Nullable<Text>,
        headcount -> Nullable<Integer>,
        starts_on -> Nullable<Date>,
        ends_on -> Nullable<Date>,
        managed_by -> Text,
        search_text -> Text,
        version -> Integer,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

table! {
    /// The MED committees.
    committees (id) {
        id -> Text,
        municipality_id -> Text,
        key -> Text,
        name -> Text,
        level_id -> Nullable<Text>,
        parent_id -> Nullable<Text>,
        form -> Text,
        mandate -> Nullable<Text>,
        starts_on -> Nullable<Date>,
        ends_on -> Nullable<Date>,
        managed_by -> Text,
        search_text -> Text,
        version -> Integer,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

table! {
    /// The units that a committee covers.
    committee_units (committee_id, unit_id) {
        committee_id -> Text,
        unit_id -> Text,
        position -> Integer,
    }
}

table! {
    /// Strategies, plans and principles.
    strategies (id) {
        id -> Text,
        municipality_id -> Text,
        key -> Text,
        title -> Text,
        headline -> Nullable<Text>,
        kind -> Text,
        status -> Text,
        starts_on -> Nullable<Date>,
        ends_on -> Nullable<Date>,
        period_note -> Nullable<Text>,
        adopted_by_id -> Nullable<Text>,
        adopted_in -> Nullable<Text>,
        adopted_note -> Nullable<Text>,
        predecessor_id -> Nullable<Text>,
        vision -> Nullable<Text>,
        purpose -> Nullable<Text>,
        background -> Nullable<Text>,
        legal_basis -> Nullable<Text>,
        review_note -> Nullable<Text>,
        source -> Nullable<Text>,
        explainers -> Text,
        search_text -> Text,
        version -> Integer,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

table! {
    /// What a strategy concentrates on.
    focus_areas (id) {
        id -> Text,
        municipality_id -> Text,
        strategy_id -> Text,
        position -> Integer,
        key -> Text,
        number -> Nullable<Text>,
        title -> Text,
        subtitle -> Nullable<Text>,
        vision -> Nullable<Text>,
        context -> Nullable<Text>,
        follow_up -> Nullable<Text>,
        explainers -> Text,
        version -> Integer,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

table! {
    /// Which earlier focus areas one carries on.
    focus_area_lineage (focus_area_id, continues_id) {
        focus_area_id -> Text,
        continues_id -> Text,
        position -> Integer,
    }
}

table! {
    /// Goals, aims, commitments and principles.
    objectives (id) {
        id -> Text,
        municipality_id -> Text,
        focus_area_id -> Text,
        position -> Integer,
        key -> Text,
        kind -> Text,
        text -> Text,
        evidence -> Nullable<Text>,
        version -> Integer,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

table! {
    /// Pairs of objectives that say the same.
    objective_counterparts (objective_id) {
        objective_id -> Text,
        counterpart_id -> Text,
    }
}

table! {
    /// What a plan wants done.
    actions (id) {
        id -> Text,
        municipality_id -> Text,
        focus_area_id -> Nullable<Text>,
        position -> Integer,
        key -> Text,
        number -> Nullable<Text>,
        title -> Text,
        text -> Nullable<Text>,
        kind -> Text,
        recurrence -> Nullable<Text>,
        starts_on -> Nullable<Date>,
        due_on -> Nullable<Date>,
        invites_local -> Bool,
        cancelled_on -> Nullable<Date>,
        cancelled_reason -> Nullable<Text>,
        milestones -> Text,
        search_text -> Text,
        version -> Integer,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        committee_id -> Nullable<Text>,
        parent_id -> Nullable<Text>,
    }
}

table! {
    /// Whom an action is for.
    action_audience (action_id, position) {
        action_id -> Text,
        position -> Integer,
        role -> Text,
        level_id -> Nullable<Text>,
        committee_id -> Nullable<Text>,
        unit_id -> Nullable<Text>,
    }
}

table! {
    /// Which actions come first.
    action_predecessors (action_id, predecessor_id) {
        action_id -> Text,
        predecessor_id -> Text,
        position -> Integer,
    }
}

table! {
    /// Who works where; personal data.
    employees (id) {
        id -> Text,
        municipality_id -> Text,
        key -> Text,
        name -> Text,
        email -> Nullable<Text>,
        title -> Nullable<Text>,
        unit_id -> Nullable<Text>,
        has_personnel_responsibility -> Bool,
        starts_on -> Nullable<Date>,
        ends_on -> Nullable<Date>,
        name_protected -> Bool,
        managed_by -> Text,
        version -> Integer,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

table! {
    /// Seats in committees, and who holds them.
    memberships (id) {
        id -> Text,
        municipality_id -> Text,
        key -> Text,
        committee_id -> Text,
        employee_id -> Nullable<Text>,
        role -> Text,
        side -> Nullable<Text>,
        function -> Nullable<Text>,
        starts_on -> Nullable<Date>,
        ends_on -> Nullable<Date>,
        managed_by -> Text,
        version -> Integer,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

table! {
    /// Who read personal data.
    access_log (sequence) {
        sequence -> BigInt,
        municipality_id -> Text,
        at -> Timestamp,
        actor_id -> Text,
        operation -> Text,
        employee_id -> Nullable<Text>,
        row_count -> Integer,
    }
}

table! {
    /// What was reported, never changed.
    reports (id) {
        id -> Text,
        municipality_id -> Text,
        action_id -> Text,
        committee_id -> Nullable<Text>,
        unit_id -> Nullable<Text>,
        occurrence -> Text,
        stage -> Text,
        judgement -> Text,
        note -> Nullable<Text>,
        minutes_url -> Nullable<Text>,
        discussed_on -> Nullable<Date>,
        reporter_id -> Nullable<Text>,
        actor_id -> Text,
        reported_at -> Timestamp,
    }
}

table! {
    /// The report that counts of each assignment.
    latest_reports (action_id, occurrence, party_id) {
        action_id -> Text,
        occurrence -> Text,
        party_id -> Text,
        committee_id -> Nullable<Text>,
        unit_id -> Nullable<Text>,
        report_id -> Text,
        stage -> Text,
        reported_at -> Timestamp,
    }
}

table! {
    /// How many of the latest reports on an occurrence say what.
    tallies (action_id, occurrence) {
        action_id -> Text,
        occurrence -> Text,
        cells -> Text,
    }
}

table! {
    /// What clients that repeat themselves are answered with.
    idempotency_keys (actor_id, key) {
        actor_id -> Text,
        key -> Text,
        fingerprint -> Text,
        report_id -> Text,
        created_at -> Timestamp,
    }
}

table! {
    /// What is measured.
    indicators (id) {
        id -> Text,
        municipality_id -> Text,
        key -> Text,
        title -> Text,
        definition -> Nullable<Text>,
        definition_url -> Nullable<Text>,
        unit_of_measure -> Nullable<Text>,
        direction -> Text,
        frequency -> Text,
        source -> Nullable<Text>,
        method -> Text,
        decimals -> Nullable<Integer>,
        min_group -> Nullable<Integer>,
        aggregation -> Text,
        coverage_action_id -> Nullable<Text>,
        coverage_level_id -> Nullable<Text>,
        retired_on -> Nullable<Date>,
        search_text -> Text,
        version -> Integer,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        values_updated_at -> Nullable<Timestamp>,
        first_period -> Nullable<Integer>,
        last_period -> Nullable<Integer>,
    }
}

table! {
    /// What indicators tell about.
    indicator_objectives (indicator_id, objective_id) {
        indicator_id -> Text,
        objective_id -> Text,
        position -> Integer,
    }
}

table! {
    /// What others have.
    benchmarks (id) {
        id -> Text,
        indicator_id -> Text,
        key -> Text,
        name -> Text,
        source -> Nullable<Text>,
        position -> Integer,
    }
}

table! {
    /// How far indicators are to come.
    targets (indicator_id, position) {
        indicator_id -> Text,
        position -> Integer,
        rule -> Text,
        value -> Nullable<Double>,
        tolerance -> Nullable<Double>,
        baseline_period -> Nullable<Text>,
        benchmark -> Nullable<Text>,
        decided_by -> Nullable<Date>,
        period -> Nullable<Text>,
        unit_id -> Nullable<Text>,
        note -> Nullable<Text>,
    }
}

table! {
    /// Whose values there are.
    value_series (id) {
        id -> BigInt,
        indicator_id -> Text,
        unit_id -> Nullable<Text>,
        employee_group -> Text,
        benchmark_id -> Nullable<Text>,
    }
}

table! {
    /// What was measured.
    indicator_values (series_id, period) {
        series_id -> BigInt,
        period -> Integer,
        value -> Double,
        people -> Nullable<Integer>,
        is_provisional -> Bool,
        note -> Nullable<Text>,
        written_in -> BigInt,
    }
}

table! {
    /// What stood in the place of values before.
    replaced_values (series_id, period, replaced_in) {
        series_id -> BigInt,
        period -> Integer,
        replaced_in -> BigInt,
        value -> Double,
        people -> Nullable<Integer>,
        is_provisional -> Bool,
        note -> Nullable<Text>,
        written_in -> BigInt,
    }
}

joinable!(changes -> actors (actor_id));
joinable!(committees -> levels (level_id));
joinable!(committee_units -> committees (committee_id));
joinable!(committee_units -> units (unit_id));
joinable!(strategies -> committees (adopted_by_id));
joinable!(focus_areas -> strategies (strategy_id));
joinable!(objectives -> focus_areas (focus_area_id));
joinable!(actions -> focus_areas (focus_area_id));
joinable!(action_audience -> actions (action_id));
joinable!(action_audience -> levels (level_id));
joinable!(action_audience -> committees (committee_id));
joinable!(action_audience -> units (unit_id));
joinable!(employees -> units (unit_id));
joinable!(memberships -> committees (committee_id));
joinable!(memberships -> employees (employee_id));
joinable!(access_log -> actors (actor_id));
joinable!(reports -> actions (action_id));
joinable!(reports -> committees (committee_id));
joinable!(reports -> units (unit_id));
joinable!(reports -> employees (reporter_id));
joinable!(latest_reports -> actions (action_id));
joinable!(latest_reports -> committees (committee_id));
joinable!(latest_reports -> units (unit_id));
joinable!(latest_reports -> reports (report_id));
joinable!(tallies -> actions (action_id));
joinable!(indicators -> actions (coverage_action_id));
joinable!(indicators -> levels (coverage_level_id));
joinable!(indicator_objectives -> indicators (indicator_id));
joinable!(indicator_objectives -> objectives (objective_id));
joinable!(benchmarks -> indicators (indicator_id));
joinable!(targets -> indicators (indicator_id));
joinable!(targets -> units (unit_id));
joinable!(value_series -> indicators (indicator_id));
joinable!(value_series -> units (unit_id));
joinable!(value_series -> benchmarks (benchmark_id));
joinable!(indicator_values -> value_series (series_id));
joinable!(replaced_values -> value_series (series_id));

allow_tables_to_appear_in_same_query!(
    municipalities,
    actors,
    changes,
    levels,
    units,
    committees,
    committee_units,
    strategies,
    focus_areas,
    focus_area_lineage,
    objectives,
    objective_counterparts,
    actions,
    action_audience,
    action_predecessors,
    employees,
    memberships,
    access_log,
    reports,
    latest_reports,
    tallies,
    idempotency_keys,
    indicators,
    indicator_objectives,
    benchmarks,
    targets,
    value_series,
    indicator_values,
    replaced_values,
);

/// Tables that a query joins a second time, under another name.
pub mod aliases {
    use super::{actions, committees, focus_areas, indicator_values, objectives, strategies, units};

    diesel::alias!(
        units as parent_units: ParentUnits,
        committees as parent_committees: ParentCommittees,
        committees as owning_committees: OwningCommittees,
        strategies as predecessor_strategies: PredecessorStrategies,
        focus_areas as predecessor_areas: PredecessorAreas,
        actions as predecessor_actions: PredecessorActions,
        actions as local_actions: LocalActions,
        strategies as continued_strategies: ContinuedStrategies,
        focus_areas as continued_areas: ContinuedAreas,
        objectives as counterpart_objectives: CounterpartObjectives,
        focus_areas as counterpart_areas: CounterpartAreas,
        indicator_values as newest_values: NewestValues
    );
}
