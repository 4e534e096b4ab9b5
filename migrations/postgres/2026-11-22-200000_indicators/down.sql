DROP TABLE replaced_values;
DROP TABLE indicator_values;
DROP TABLE value_series;
DROP TABLE targets;
DROP TABLE benchmarks;
DROP TABLE indicator_objectives;
DROP TABLE indicators;
ALTER TABLE municipalities DROP COLUMN min_group;
