-- Work access: who wants an item on the list, what each stage said of it, and which version of the list came of it.

-- The stages are data: a whole set for each kind of application, in force from a day on. Work in flight keeps its set.
CREATE TABLE access_stage_set (
    kind text NOT NULL CHECK (kind IN ('ordinary', 'emergency')),
    version integer NOT NULL CHECK (version >= 1),
    effective_on date NOT NULL,
    review_days integer CHECK (review_days BETWEEN 1 AND 366), -- calendar days in which an emergency is reviewed
    PRIMARY KEY (kind, version),
    CHECK ((review_days IS NULL) = (kind = 'ordinary'))
);
CREATE INDEX access_stage_set_effective ON access_stage_set (kind, effective_on);
GRANT SELECT, INSERT ON access_stage_set TO qingdan_app;
SELECT scope_as_reference('access_stage_set');

CREATE TABLE access_stage (
    kind text NOT NULL,
    set_version integer NOT NULL,
    position smallint NOT NULL CHECK (position >= 1),
    code text NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    departments text [] NOT NULL CHECK (cardinality(departments) BETWEEN 1 AND 10), -- each gives its opinion
    limit_working_days integer NOT NULL CHECK (limit_working_days BETWEEN 1 AND 60),
    escalate_to text NOT NULL,
    PRIMARY KEY (kind, set_version, position),
    UNIQUE (kind, set_version, code),
    FOREIGN KEY (kind, set_version) REFERENCES access_stage_set
);
GRANT SELECT, INSERT ON access_stage TO qingdan_app;
SELECT scope_as_reference('access_stage');

-- The 2022 Opinions: the rural work office looks whether it is complete, the Party organisation department, the rural
-- work office and civil affairs review, the county committee and government (here by their office) approve.
INSERT INTO access_stage_set (kind, version, effective_on, review_days)
VALUES ('ordinary', 1, '2022-08-01', NULL), ('emergency', 1, '2022-08-01', 14);
INSERT INTO access_stage
(kind, set_version, position, code, title_zh, title_en, departments, limit_working_days, escalate_to)
VALUES
('ordinary', 1, 1, 'completeness', '材料审核', 'Completeness check', '{NYJ}', 3, 'ZFB'),
('ordinary', 1, 2, 'joint_review', '联合审核', 'Joint review', '{ZZB,NYJ,MZJ}', 5, 'ZFB'),
('ordinary', 1, 3, 'approval', '县委县政府审批', 'Approval by the county committee and government', '{ZFB}', 5, 'ZFB'),
('emergency', 1, 1, 'joint_review', '联合审核', 'Joint review', '{ZZB,NYJ,MZJ}', 3, 'ZFB'),
('emergency', 1, 2, 'approval', '县委县政府审批', 'Approval by the county committee and government', '{ZFB}', 3, 'ZFB');

-- division_id is the county whose departments review it. seen_by: the departments that sit in one of its stages, or to
-- which a stage escalates. waiting_for: who has not given an opinion in the stage under way.
CREATE TABLE access_application (
    id uuid PRIMARY KEY,
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    list_code text NOT NULL,
    wanted jsonb NOT NULL,
    origin text NOT NULL CHECK (origin IN ('http', 'event', 'emergency')),
    emergency text,
    state text NOT NULL CHECK (state IN ('under_review', 'returned', 'approved', 'refused', 'lapsed')),
    round integer NOT NULL DEFAULT 1 CHECK (round >= 1),
    stage_kind text NOT NULL,
    stage_set integer NOT NULL,
    stage smallint NOT NULL,
    waiting_for text [] NOT NULL,
    due_on date NOT NULL,
    provisional boolean NOT NULL,
    escalated integer NOT NULL DEFAULT 0 CHECK (escalated >= 0),
    escalate_after date NOT NULL,
    escalated_to text,
    seen_by text [] NOT NULL,
    applied_on date NOT NULL,
    review_by date,
    decided_on date,
    refusal_code text,
    item_code text,
    list_version integer, -- by which the item came on the list
    off_version integer, -- by which an emergency's item went off it again
    version bigint NOT NULL DEFAULT 1,
    FOREIGN KEY (stage_kind, stage_set, stage) REFERENCES access_stage,
    -- At the commit, when the version is there: the list opens to an approver only for what an application names.
    FOREIGN KEY (list_code, list_version, item_code) REFERENCES list_item DEFERRABLE INITIALLY DEFERRED,
    CHECK ((emergency IS NULL) = (origin <> 'emergency')),
    CHECK ((review_by IS NULL) = (origin <> 'emergency')),
    CHECK ((state = 'under_review') = (cardinality(waiting_for) > 0)),
    CHECK ((decided_on IS NULL) = (state IN ('under_review', 'returned'))),
    CHECK ((refusal_code IS NULL) = (state <> 'refused')),
    CHECK ((item_code IS NULL) = (list_version IS NULL)),
    CHECK (state <> 'approved' OR list_version IS NOT NULL)
);
CREATE INDEX access_application_division ON access_application (division_id, id);
CREATE INDEX access_application_department ON access_application (department, id);
CREATE INDEX access_application_stage ON access_application (stage_kind, stage_set, stage);
CREATE INDEX access_application_item ON access_application (list_code, list_version, item_code);
CREATE INDEX access_application_off ON access_application (list_code, off_version);
CREATE INDEX access_application_due ON access_application (due_on, id) WHERE state = 'under_review';
CREATE INDEX access_application_review_by ON access_application (review_by, id)
WHERE state IN ('under_review', 'returned') AND review_by IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON access_application TO qingdan_app;

-- Not scope_by_division: besides the applying department, those that sit in a stage must see and act on it. Only the
-- applying department puts an application in, but for an emergency, which an approver may enter for the department.
ALTER TABLE access_application ENABLE ROW LEVEL SECURITY;
ALTER TABLE access_application FORCE ROW LEVEL SECURITY;
CREATE POLICY concerned_see ON access_application FOR SELECT USING (
    EXISTS (
        SELECT 1 FROM division_closure c
        WHERE c.ancestor_id = app_division() AND c.descendant_id = access_application.division_id
    )
    AND (app_department() = '*' OR app_department() = department OR app_department() = ANY(seen_by))
);
CREATE POLICY concerned_act ON access_application FOR UPDATE USING (
    EXISTS (
        SELECT 1 FROM division_closure c
        WHERE c.ancestor_id = app_division() AND c.descendant_id = access_application.division_id
    )
    AND (app_department() = '*' OR app_department() = department OR app_department() = ANY(seen_by))
);
CREATE POLICY department_applies ON access_application FOR INSERT WITH CHECK (
    EXISTS (
        SELECT 1 FROM division_closure c
        WHERE c.ancestor_id = app_division() AND c.descendant_id = access_application.division_id
    )
    AND (
        app_department() = '*' OR app_department() = department
        OR (origin = 'emergency' AND app_department() = ANY(seen_by))
    )
);

-- What belongs to an application is seen by those who see it.
CREATE FUNCTION scope_by_application(owned regclass) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
    rule text := format('EXISTS (SELECT 1 FROM access_application a WHERE a.id = %s.application_id)', owned);
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', owned);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', owned);
    EXECUTE format('CREATE POLICY concerned ON %s USING (%s) WITH CHECK (%s)', owned, rule, rule);
END $body$;

-- What was handed in, each time: who completed it is an applicant too.
CREATE TABLE access_round (
    application_id uuid NOT NULL REFERENCES access_application,
    round integer NOT NULL CHECK (round >= 1),
    wanted jsonb NOT NULL,
    submitted_by text NOT NULL,
    submitted_on date NOT NULL,
    PRIMARY KEY (application_id, round)
);
GRANT SELECT, INSERT ON access_round TO qingdan_app;
SELECT scope_by_application('access_round');

-- Each stage that an application came to, with its due date and how far it was escalated.
CREATE TABLE access_step (
    application_id uuid NOT NULL REFERENCES access_application,
    round integer NOT NULL,
    position smallint NOT NULL,
    stage text NOT NULL,
    since_on date NOT NULL,
    due_on date NOT NULL,
    provisional boolean NOT NULL,
    escalated integer NOT NULL DEFAULT 0,
    escalated_on date,
    PRIMARY KEY (application_id, round, position)
);
GRANT SELECT, INSERT, UPDATE (escalated, escalated_on) ON access_step TO qingdan_app;
SELECT scope_by_application('access_step');

-- persons: whoever counts as one with the subject that day (delegations); nobody of them speaks twice in a round.
CREATE TABLE access_opinion (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES access_application,
    round integer NOT NULL,
    position smallint NOT NULL,
    stage text NOT NULL,
    department text NOT NULL,
    subject text NOT NULL,
    on_behalf_of text,
    persons text [] NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('approve', 'return', 'refuse')),
    code text NOT NULL,
    reason text NOT NULL,
    given_on date NOT NULL,
    UNIQUE (application_id, round, subject),
    UNIQUE (application_id, round, position, department)
);
GRANT SELECT, INSERT ON access_opinion TO qingdan_app;
SELECT scope_by_application('access_opinion');

CREATE TABLE access_delegation (
    id uuid PRIMARY KEY,
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    delegator text NOT NULL,
    delegate text NOT NULL CHECK (delegate <> delegator),
    from_on date NOT NULL,
    to_on date NOT NULL CHECK (to_on >= from_on)
);
CREATE INDEX access_delegation_division ON access_delegation (division_id, id);
CREATE INDEX access_delegation_delegate ON access_delegation (delegate, to_on);
CREATE INDEX access_delegation_delegator ON access_delegation (delegator, to_on);
GRANT SELECT, INSERT ON access_delegation TO qingdan_app;
SELECT scope_by_division('access_delegation', 'department');

-- Operators write the list; whoever gives the last approval may add the one version that the application names.
CREATE POLICY access_takes_effect ON list_version FOR INSERT WITH CHECK (EXISTS (
    SELECT 1 FROM access_application a WHERE a.list_code = list_version.list_code
    AND list_version.version IN (a.list_version, a.off_version)
));
CREATE POLICY access_takes_effect ON list_item FOR INSERT WITH CHECK (EXISTS (
    SELECT 1 FROM access_application a WHERE a.list_code = list_item.list_code
    AND list_item.version IN (a.list_version, a.off_version)
));
CREATE POLICY access_takes_effect ON negative_entry FOR INSERT WITH CHECK (EXISTS (
    SELECT 1 FROM access_application a WHERE a.list_code = negative_entry.list_code
    AND negative_entry.version IN (a.list_version, a.off_version)
));
