-- How many lines a statement has: a month's is taken in a hundred parts, and counting it anew with each read all of them.
ALTER TABLE statement ADD COLUMN lines bigint NOT NULL DEFAULT 0 CHECK (lines >= 0);
GRANT UPDATE (lines) ON statement TO qingdan_app;

CREATE FUNCTION statement_counts_its_lines() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    UPDATE statement s SET lines = s.lines + w.lines
    FROM (SELECT statement_id, count(*) AS lines FROM written GROUP BY statement_id) AS w WHERE s.id = w.statement_id;
    RETURN NULL;
END $body$;
CREATE TRIGGER counted AFTER INSERT ON statement_line REFERENCING NEW TABLE AS written
FOR EACH STATEMENT EXECUTE FUNCTION statement_counts_its_lines();

-- Statements of before. They are seen by place: from the root, and of all.
SELECT set_config('app.division', '1', true), set_config('app.department', '*', true);
UPDATE statement s SET lines = (SELECT count(*) FROM statement_line l WHERE l.statement_id = s.id);
SELECT set_config('app.division', '', true), set_config('app.department', '', true);
