-- The foundation: who acts, what changed, the organisation's tree, its committees and their strategies.
-- Keys and ids compare byte by byte on both engines, so that lists stand in the same order.

CREATE TABLE municipalities (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    key TEXT COLLATE "C" NOT NULL UNIQUE,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    -- How much of a register one sync may end without being told to.
    sync_guard_percent INTEGER NOT NULL CHECK (sync_guard_percent BETWEEN 0 AND 100),
    sync_guard_rows INTEGER NOT NULL CHECK (sync_guard_rows >= 0),
    version INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);

-- Whoever writes. The change log names people only through this row, which can be redacted.
CREATE TABLE actors (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    municipality_id TEXT COLLATE "C" NOT NULL REFERENCES municipalities (id),
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    UNIQUE (municipality_id, issuer, subject)
);

CREATE TABLE changes (
    sequence BIGINT NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    municipality_id TEXT COLLATE "C" NOT NULL REFERENCES municipalities (id),
    at TIMESTAMP NOT NULL,
    actor_id TEXT COLLATE "C" NOT NULL REFERENCES actors (id),
    entity TEXT NOT NULL,
    entity_id TEXT COLLATE "C" NOT NULL,
    operation TEXT NOT NULL CHECK (operation IN ('created', 'updated', 'ended', 'deleted', 'redacted')),
    "before" TEXT,
    "after" TEXT
);
CREATE INDEX changes_by_municipality ON changes (municipality_id, sequence);
CREATE INDEX changes_by_entity ON changes (municipality_id, entity_id, sequence);
CREATE INDEX changes_by_actor ON changes (actor_id);

CREATE TABLE levels (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    municipality_id TEXT COLLATE "C" NOT NULL REFERENCES municipalities (id),
    key TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    rank INTEGER NOT NULL CHECK (rank >= 1),
    staff_meeting_below INTEGER CHECK (staff_meeting_below >= 1),
    version INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    UNIQUE (municipality_id, key)
);

-- References between rows of one table may point forward within a transaction: they are checked at its end.
CREATE TABLE units (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    municipality_id TEXT COLLATE "C" NOT NULL REFERENCES municipalities (id),
    key TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('centre', 'department', 'workplace', 'administration', 'other')),
    parent_id TEXT COLLATE "C" REFERENCES units (id) DEFERRABLE INITIALLY DEFERRED,
    headcount INTEGER CHECK (headcount >= 0),
    starts_on DATE,
    ends_on DATE,
    managed_by TEXT NOT NULL CHECK (managed_by IN ('hr', 'editor')),
    search_text TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    UNIQUE (municipality_id, key),
    -- The day before the first: called off, it never was.
    CHECK (ends_on >= starts_on - 1),
    CHECK (parent_id <> id)
);
CREATE INDEX units_by_kind ON units (municipality_id, kind, key);
CREATE INDEX units_by_parent ON units (parent_id, key);

CREATE TABLE committees (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    municipality_id TEXT COLLATE "C" NOT NULL REFERENCES municipalities (id),
    key TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    level_id TEXT COLLATE "C" REFERENCES levels (id),
    parent_id TEXT COLLATE "C" REFERENCES committees (id) DEFERRABLE INITIALLY DEFERRED,
    form TEXT NOT NULL CHECK (form IN ('committee', 'staff_meeting', 'work_group')),
    mandate TEXT,
    starts_on DATE,
    ends_on DATE,
    managed_by TEXT NOT NULL CHECK (managed_by IN ('hr', 'editor')),
    search_text TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    UNIQUE (municipality_id, key),
    -- The day before the first: called off, it never was.
    CHECK (ends_on >= starts_on - 1),
    CHECK (parent_id <> id),
    CHECK ((form = 'work_group') = (level_id IS NULL))
);
CREATE INDEX committees_by_level ON committees (level_id, key);
CREATE INDEX committees_by_parent ON committees (parent_id, key);
CREATE INDEX committees_by_form ON committees (municipality_id, form, key);

CREATE TABLE committee_units (
    committee_id TEXT COLLATE "C" NOT NULL REFERENCES committees (id) ON DELETE CASCADE,
    unit_id TEXT COLLATE "C" NOT NULL REFERENCES units (id),
    position INTEGER NOT NULL,
    PRIMARY KEY (committee_id, unit_id)
);
CREATE INDEX committee_units_by_unit ON committee_units (unit_id, committee_id);

CREATE TABLE strategies (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    municipality_id TEXT COLLATE "C" NOT NULL REFERENCES municipalities (id),
    key TEXT COLLATE "C" NOT NULL,
    title TEXT NOT NULL,
    headline TEXT,
    kind TEXT NOT NULL CHECK (kind IN ('strategy', 'plan', 'principles')),
    status TEXT NOT NULL CHECK (status IN ('draft', 'adopted', 'closed')),
    starts_on DATE,
    ends_on DATE,
    period_note TEXT,
    adopted_by_id TEXT COLLATE "C" REFERENCES committees (id),
    adopted_in TEXT,
    adopted_note TEXT,
    predecessor_id TEXT COLLATE "C" REFERENCES strategies (id) DEFERRABLE INITIALLY DEFERRED,
    vision TEXT,
    purpose TEXT,
    background TEXT,
    legal_basis TEXT,
    review_note TEXT,
    source TEXT,
    explainers TEXT NOT NULL,
    search_text TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    UNIQUE (municipality_id, key),
    CHECK (ends_on >= starts_on),
    CHECK (predecessor_id <> id)
);
CREATE INDEX strategies_by_status ON strategies (municipality_id, status, key);
CREATE INDEX strategies_by_kind ON strategies (municipality_id, kind, key);
CREATE INDEX strategies_by_adopted_by ON strategies (adopted_by_id);
CREATE INDEX strategies_by_predecessor ON strategies (predecessor_id);

CREATE TABLE focus_areas (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    municipality_id TEXT COLLATE "C" NOT NULL REFERENCES municipalities (id),
    strategy_id TEXT COLLATE "C" NOT NULL REFERENCES strategies (id),
    position INTEGER NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    number TEXT,
    title TEXT NOT NULL,
    subtitle TEXT,
    vision TEXT,
    context TEXT,
    follow_up TEXT,
    explainers TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    UNIQUE (strategy_id, key)
);
CREATE INDEX focus_areas_by_municipality ON focus_areas (municipality_id, key);

-- Lineage: a focus area carries on the work of areas in earlier strategies.
CREATE TABLE focus_area_lineage (
    focus_area_id TEXT COLLATE "C" NOT NULL REFERENCES focus_areas (id) ON DELETE CASCADE,
    continues_id TEXT COLLATE "C" NOT NULL REFERENCES focus_areas (id) DEFERRABLE INITIALLY DEFERRED,
    position INTEGER NOT NULL,
    PRIMARY KEY (focus_area_id, continues_id)
);
CREATE INDEX focus_area_lineage_by_continues ON focus_area_lineage (continues_id);

CREATE TABLE objectives (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    municipality_id TEXT COLLATE "C" NOT NULL REFERENCES municipalities (id),
    focus_area_id TEXT COLLATE "C" NOT NULL REFERENCES focus_areas (id),
    position INTEGER NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('goal', 'sub_goal', 'aim', 'commitment', 'principle')),
    text TEXT NOT NULL,
    evidence TEXT,
    version INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    UNIQUE (focus_area_id, key)
);
CREATE INDEX objectives_by_municipality ON objectives (municipality_id, key);

-- Two objectives that say the same in two places: stored once, on the side that named the other.
CREATE TABLE objective_counterparts (
    objective_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES objectives (id) ON DELETE CASCADE,
    counterpart_id TEXT COLLATE "C" NOT NULL UNIQUE REFERENCES objectives (id) DEFERRABLE INITIALLY DEFERRED,
    CHECK (objective_id <> counterpart_id)
);

-- An action stands in a focus area; the column may be null so that actions outside a plan can follow.
CREATE TABLE actions (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    municipality_id TEXT COLLATE "C" NOT NULL REFERENCES municipalities (id),
    focus_area_id TEXT COLLATE "C" REFERENCES focus_areas (id),
    position INTEGER NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    number TEXT,
    title TEXT NOT NULL,
    text TEXT,
    kind TEXT NOT NULL CHECK (kind IN (
        'discussion', 'concept', 'analysis', 'survey', 'interview', 'training', 'programme', 'communication', 'other'
    )),
    recurrence TEXT CHECK (recurrence IN ('P1M', 'P3M', 'P6M', 'P1Y', 'P2Y')),
    starts_on DATE,
    due_on DATE,
    invites_local BOOLEAN NOT NULL,
    cancelled_on DATE,
    cancelled_reason TEXT,
    milestones TEXT NOT NULL,
    search_text TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    UNIQUE (focus_area_id, key),
    CHECK (due_on >= starts_on)
);
CREATE INDEX actions_by_municipality ON actions (municipality_id, key, id);
CREATE INDEX actions_by_kind ON actions (municipality_id, kind, key);

CREATE TABLE action_audience (
    action_id TEXT COLLATE "C" NOT NULL REFERENCES actions (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('responsible', 'accountable', 'qualifies', 'receives')),
    level_id TEXT COLLATE "C" REFERENCES levels (id),
    committee_id TEXT COLLATE "C" REFERENCES committees (id),
    unit_id TEXT COLLATE "C" REFERENCES units (id),
    PRIMARY KEY (action_id, position),
    CHECK (
        (level_id IS NOT NULL AND committee_id IS NULL AND unit_id IS NULL)
        OR (level_id IS NULL AND committee_id IS NOT NULL AND unit_id IS NULL)
        OR (level_id IS NULL AND committee_id IS NULL AND unit_id IS NOT NULL)
    )
);
CREATE INDEX action_audience_by_level ON action_audience (level_id);
CREATE INDEX action_audience_by_committee ON action_audience (committee_id);
CREATE INDEX action_audience_by_unit ON action_audience (unit_id);

CREATE TABLE action_predecessors (
    action_id TEXT COLLATE "C" NOT NULL REFERENCES actions (id) ON DELETE CASCADE,
    predecessor_id TEXT COLLATE "C" NOT NULL REFERENCES actions (id) DEFERRABLE INITIALLY DEFERRED,
    position INTEGER NOT NULL,
    PRIMARY KEY (action_id, predecessor_id),
    CHECK (action_id <> predecessor_id)
);
CREATE INDEX action_predecessors_by_predecessor ON action_predecessors (predecessor_id);
