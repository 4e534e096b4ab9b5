//! Changes of rows, as the change log and projections know them.

use super::types::Id;

crate::text_enum! {
    /// What happened to a row.
    Operation {
        /// It came into being.
        Created = "created",
        /// Some of its fields changed.
        Updated = "updated",
        /// It was given an end date; it stays readable.
        Ended = "ended",
        /// It was removed; `before` holds what it was.
        Deleted = "deleted",
        /// Personal data was taken out of it, and out of what this log had of it.
        Redacted = "redacted",
    }
}

crate::text_enum! {
    /// A kind of row that the change log knows.
    EntityKind {
        /// The municipality itself.
        Municipality = "municipality",
        /// A level of committees.
        Level = "level",
        /// A unit of the organisation.
        Unit = "unit",
        /// An employee.
        Employee = "employee",
        /// A committee.
        Committee = "committee",
        /// A seat on a committee.
        Membership = "membership",
        /// A strategy.
        Strategy = "strategy",
        /// A focus area of a strategy.
        FocusArea = "focus_area",
        /// An objective of a focus area.
        Objective = "objective",
        /// An action, of a plan or local.
        Action = "action",
        /// A report on an action.
        Report = "report",
        /// An indicator.
        Indicator = "indicator",
        /// The values of an indicator: one change per call, not per value.
        IndicatorValues = "indicator_values",
    }
}

/// A change of one row, as far as a projection needs to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeEvent {
    /// Which kind of row.
    pub entity: EntityKind,
    /// Which row.
    pub id: Id,
    /// What happened.
    pub operation: Operation,
    /// Which of the fields that projections depend on have another value now.
    pub fields: ChangedFields,
}

/// Fields that projections depend on: whether an update gave them another value. All are false for a row that was
/// created or deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChangedFields {
    /// One of the days on which it begins, ends, is due or was cancelled.
    pub dates: bool,
    /// The level of a committee.
    pub level: bool,
    /// How often an action recurs.
    pub recurrence: bool,
}
