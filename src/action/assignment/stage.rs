//! What a report says about an assignment: how far it is, and how those who do it see the way ahead. Neither follows
//! from the other, nor from when it was reported.

crate::text_enum! {
    /// How far an assignment is.
    Stage {
        /// Nothing was begun, or nothing was reported.
        NotStarted = "not_started",
        /// It is being worked on.
        InProgress = "in_progress",
        /// It is done.
        Done = "done",
        /// It won't be done.
        Dropped = "dropped",
    }
}

crate::text_enum! {
    /// How those who report see the way ahead.
    Judgement {
        /// It goes as planned.
        OnTrack = "on_track",
        /// It may fail.
        AtRisk = "at_risk",
        /// It fails, unless something changes.
        OffTrack = "off_track",
        /// They did not say.
        None = "none",
    }
}

// The macro that declares the enum takes no derives.
#[allow(clippy::derivable_impls)]
impl Default for Judgement {
    fn default() -> Self {
        Self::None
    }
}
