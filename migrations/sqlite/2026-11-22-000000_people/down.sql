DROP TABLE access_log;
DROP TABLE memberships;
DROP TABLE employees;
