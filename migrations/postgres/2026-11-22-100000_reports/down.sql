DROP TABLE idempotency_keys;
DROP TABLE tallies;
DROP TABLE latest_reports;
DROP TABLE reports;
DROP INDEX actions_by_parent;
DROP INDEX actions_by_committee;
-- Local actions have no place in a schema without their columns.
DELETE FROM actions WHERE committee_id IS NOT NULL;
ALTER TABLE actions DROP COLUMN parent_id;
ALTER TABLE actions DROP COLUMN committee_id;
ALTER TABLE municipalities DROP COLUMN reporting_roles;
