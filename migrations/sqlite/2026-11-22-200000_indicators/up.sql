-- What is measured, what others have, how far it is to come, and the values.

-- Where an indicator hides small groups, no value about fewer people than this is shown, whatever it says itself.
ALTER TABLE municipalities ADD COLUMN min_group INTEGER NOT NULL DEFAULT 3;

CREATE TABLE indicators (
    id TEXT NOT NULL PRIMARY KEY,
    municipality_id TEXT NOT NULL REFERENCES municipalities (id),
    key TEXT NOT NULL,
    title TEXT NOT NULL,
    definition TEXT,
    definition_url TEXT,
    unit_of_measure TEXT,
    direction TEXT NOT NULL CHECK (direction IN ('increase', 'decrease', 'maintain')),
    frequency TEXT NOT NULL CHECK (frequency IN ('once', 'month', 'quarter', 'half_year', 'year', 'biennium')),
    source TEXT,
    method TEXT NOT NULL
        CHECK (method IN ('register', 'survey', 'sample', 'interview', 'manual', 'qualitative', 'computed')),
    decimals INTEGER,
    min_group INTEGER,
    aggregation TEXT NOT NULL CHECK (aggregation IN ('none', 'sum', 'mean')),
    coverage_action_id TEXT REFERENCES actions (id) CHECK ((method = 'computed') = (coverage_action_id IS NOT NULL)),
    coverage_level_id TEXT REFERENCES levels (id) CHECK ((method = 'computed') = (coverage_level_id IS NOT NULL)),
    retired_on DATE,
    search_text TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    -- When values were last written, and the first and last period that any was ever written for.
    values_updated_at TIMESTAMP,
    first_period INTEGER,
    last_period INTEGER,
    UNIQUE (municipality_id, key)
);
CREATE INDEX indicators_by_coverage_action ON indicators (coverage_action_id);
CREATE INDEX indicators_by_coverage_level ON indicators (coverage_level_id);

CREATE TABLE indicator_objectives (
    indicator_id TEXT NOT NULL REFERENCES indicators (id) ON DELETE CASCADE,
    objective_id TEXT NOT NULL REFERENCES objectives (id),
    position INTEGER NOT NULL,
    PRIMARY KEY (indicator_id, objective_id)
);
CREATE INDEX indicator_objectives_by_objective ON indicator_objectives (objective_id);

CREATE TABLE benchmarks (
    id TEXT NOT NULL PRIMARY KEY,
    indicator_id TEXT NOT NULL REFERENCES indicators (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    source TEXT,
    position INTEGER NOT NULL,
    UNIQUE (indicator_id, key)
);

CREATE TABLE targets (
    indicator_id TEXT NOT NULL REFERENCES indicators (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    rule TEXT NOT NULL CHECK (rule IN ('at_least', 'at_most', 'maintain', 'more_than_period', 'less_than_period',
        'at_benchmark', 'full_coverage', 'pending')),
    value DOUBLE,
    tolerance DOUBLE,
    baseline_period TEXT,
    benchmark TEXT,
    decided_by DATE,
    period TEXT,
    unit_id TEXT REFERENCES units (id),
    note TEXT,
    PRIMARY KEY (indicator_id, position)
);
CREATE INDEX targets_by_unit ON targets (unit_id);

-- Whose values they are: the municipality's or a unit's, everybody's or a group's; or those of a benchmark. Values are
-- many, and refer to their series by a number.
CREATE TABLE value_series (
    id INTEGER NOT NULL PRIMARY KEY,
    indicator_id TEXT NOT NULL REFERENCES indicators (id),
    unit_id TEXT REFERENCES units (id),
    employee_group TEXT NOT NULL,
    benchmark_id TEXT REFERENCES benchmarks (id) CHECK (benchmark_id IS NULL OR (unit_id IS NULL AND employee_group = ''))
);
CREATE UNIQUE INDEX value_series_identity
    ON value_series (indicator_id, COALESCE(unit_id, ''), employee_group, COALESCE(benchmark_id, ''));
CREATE INDEX value_series_by_unit ON value_series (unit_id, indicator_id);
-- Most series are of no benchmark, and nobody asks for all of those.
CREATE INDEX value_series_by_benchmark ON value_series (benchmark_id) WHERE benchmark_id IS NOT NULL;

-- A period is its first day and its length as a number that sorts like it: 202401011 is 2024, 202401014 its January.
CREATE TABLE indicator_values (
    series_id BIGINT NOT NULL REFERENCES value_series (id),
    period INTEGER NOT NULL,
    value DOUBLE NOT NULL,
    people INTEGER CHECK (people >= 0),
    is_provisional BOOLEAN NOT NULL,
    note TEXT,
    -- The change that wrote it: who and when.
    written_in BIGINT NOT NULL,
    PRIMARY KEY (series_id, period)
) WITHOUT ROWID;

-- What stood in a value's place before. The change that replaced it may have been one that removed it.
CREATE TABLE replaced_values (
    series_id BIGINT NOT NULL REFERENCES value_series (id),
    period INTEGER NOT NULL,
    replaced_in BIGINT NOT NULL,
    value DOUBLE NOT NULL,
    people INTEGER,
    is_provisional BOOLEAN NOT NULL,
    note TEXT,
    written_in BIGINT NOT NULL,
    PRIMARY KEY (series_id, period, replaced_in)
) WITHOUT ROWID;
