-- People and their seats. Names, e-mail addresses and titles stand in `employees`, and in what the change log
-- has of them: the two places that forgetting somebody has to reach.

CREATE TABLE employees (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    municipality_id TEXT COLLATE "C" NOT NULL REFERENCES municipalities (id),
    key TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    title TEXT,
    unit_id TEXT COLLATE "C" REFERENCES units (id),
    has_personnel_responsibility BOOLEAN NOT NULL,
    starts_on DATE,
    ends_on DATE,
    name_protected BOOLEAN NOT NULL,
    managed_by TEXT NOT NULL CHECK (managed_by IN ('hr', 'editor')),
    version INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    UNIQUE (municipality_id, key),
    -- The day before the first: called off, it never was.
    CHECK (ends_on >= starts_on - 1)
);
CREATE INDEX employees_by_unit ON employees (unit_id, key);

CREATE TABLE memberships (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    municipality_id TEXT COLLATE "C" NOT NULL REFERENCES municipalities (id),
    key TEXT COLLATE "C" NOT NULL,
    committee_id TEXT COLLATE "C" NOT NULL REFERENCES committees (id),
    employee_id TEXT COLLATE "C" REFERENCES employees (id),
    role TEXT NOT NULL CHECK (role IN ('chair', 'deputy_chair', 'member', 'secretary', 'substitute')),
    side TEXT CHECK (side IN ('management', 'employees')),
    "function" TEXT CHECK ("function" IN ('leader', 'shop_steward', 'safety_rep')),
    starts_on DATE,
    ends_on DATE,
    managed_by TEXT NOT NULL CHECK (managed_by IN ('hr', 'editor')),
    version INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    UNIQUE (municipality_id, key),
    -- The day before the first: called off, it never was.
    CHECK (ends_on >= starts_on - 1)
);
CREATE INDEX memberships_by_committee ON memberships (committee_id, key);
CREATE INDEX memberships_by_employee ON memberships (employee_id, key);

-- Who read personal data, when, and how much of it: one row a request.
CREATE TABLE access_log (
    sequence BIGINT NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    municipality_id TEXT COLLATE "C" NOT NULL REFERENCES municipalities (id),
    at TIMESTAMP NOT NULL,
    actor_id TEXT COLLATE "C" NOT NULL REFERENCES actors (id),
    operation TEXT NOT NULL,
    employee_id TEXT COLLATE "C",
    row_count INTEGER NOT NULL
);
CREATE INDEX access_log_by_municipality ON access_log (municipality_id, sequence);
CREATE INDEX access_log_by_age ON access_log (municipality_id, at);
CREATE INDEX access_log_by_actor ON access_log (actor_id);
