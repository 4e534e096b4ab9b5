-- What committees and units report, what is kept of it for quick answers, and the actions that committees start
-- by themselves.

ALTER TABLE municipalities ADD COLUMN reporting_roles TEXT NOT NULL DEFAULT '["chair","deputy_chair","secretary"]';

-- An action stands in a focus area, or it is local: a committee's own, inspired by an action of a plan.
ALTER TABLE actions ADD COLUMN committee_id TEXT REFERENCES committees (id)
    CHECK ((committee_id IS NULL) = (focus_area_id IS NOT NULL));
ALTER TABLE actions ADD COLUMN parent_id TEXT REFERENCES actions (id)
    CHECK ((committee_id IS NULL) = (parent_id IS NULL));
CREATE UNIQUE INDEX actions_by_committee ON actions (committee_id, key);
CREATE INDEX actions_by_parent ON actions (parent_id, key);

-- Never changed, never removed: a correction is a new report. An occurrence is a period, or empty for a one-off.
CREATE TABLE reports (
    id TEXT NOT NULL PRIMARY KEY,
    municipality_id TEXT NOT NULL REFERENCES municipalities (id),
    action_id TEXT NOT NULL REFERENCES actions (id),
    committee_id TEXT REFERENCES committees (id),
    unit_id TEXT REFERENCES units (id),
    occurrence TEXT NOT NULL,
    stage TEXT NOT NULL CHECK (stage IN ('not_started', 'in_progress', 'done', 'dropped')),
    judgement TEXT NOT NULL CHECK (judgement IN ('on_track', 'at_risk', 'off_track', 'none')),
    note TEXT,
    minutes_url TEXT,
    discussed_on DATE,
    reporter_id TEXT REFERENCES employees (id),
    actor_id TEXT NOT NULL REFERENCES actors (id),
    reported_at TIMESTAMP NOT NULL,
    CHECK ((committee_id IS NULL) = (unit_id IS NOT NULL))
);
CREATE INDEX reports_by_action ON reports (action_id, reported_at, id);
CREATE INDEX reports_by_committee ON reports (committee_id, reported_at, id);
CREATE INDEX reports_by_unit ON reports (unit_id, reported_at, id);
CREATE INDEX reports_by_municipality ON reports (municipality_id, reported_at, id);
CREATE INDEX reports_by_reporter ON reports (reporter_id);
CREATE INDEX reports_by_actor ON reports (actor_id);

-- The report that counts of each assignment; written with the reports. The party is the committee or the unit.
CREATE TABLE latest_reports (
    action_id TEXT NOT NULL REFERENCES actions (id),
    occurrence TEXT NOT NULL,
    party_id TEXT NOT NULL,
    committee_id TEXT REFERENCES committees (id),
    unit_id TEXT REFERENCES units (id),
    report_id TEXT NOT NULL REFERENCES reports (id),
    stage TEXT NOT NULL,
    reported_at TIMESTAMP NOT NULL,
    PRIMARY KEY (action_id, occurrence, party_id)
);
CREATE INDEX latest_reports_by_committee ON latest_reports (committee_id, action_id);
CREATE INDEX latest_reports_by_unit ON latest_reports (unit_id, action_id);
CREATE INDEX latest_reports_by_report ON latest_reports (report_id);

-- How many of the latest reports on an occurrence say what: JSON that is written and read whole.
CREATE TABLE tallies (
    action_id TEXT NOT NULL REFERENCES actions (id),
    occurrence TEXT NOT NULL,
    cells TEXT NOT NULL,
    PRIMARY KEY (action_id, occurrence)
);

-- What a client that repeats itself is answered with (Idempotency-Key), for a day.
CREATE TABLE idempotency_keys (
    actor_id TEXT NOT NULL REFERENCES actors (id),
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    report_id TEXT NOT NULL REFERENCES reports (id),
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (actor_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
CREATE INDEX idempotency_keys_by_report ON idempotency_keys (report_id);
