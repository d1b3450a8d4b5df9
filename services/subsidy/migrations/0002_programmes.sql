-- Programmes: whole versions that are never changed once they stand.

CREATE TABLE programme_version (
    version integer PRIMARY KEY CHECK (version >= 1),
    effective_on date NOT NULL,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX programme_version_effective ON programme_version (effective_on);
GRANT SELECT, INSERT ON programme_version TO qingdan_app;

-- eligibility and amount_fen are expressions in CEL as they were published; they are compiled anew for each run.
CREATE TABLE programme (
    version integer NOT NULL REFERENCES programme_version,
    code text NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    department text NOT NULL,
    beneficiary text NOT NULL CHECK (beneficiary IN ('person', 'household')),
    person_facts_of text CHECK (person_facts_of IN ('head', 'any', 'deceased')),
    eligibility text NOT NULL,
    amount_fen text NOT NULL,
    priority integer NOT NULL CHECK (priority >= 1),
    excludes text [] NOT NULL,
    due_months smallint [] NOT NULL,
    once_per text NOT NULL CHECK (
        once_per IN ('period', 'year', 'year_serial', 'business_entity_code', 'deceased', 'ever')
    ),
    funding_source text NOT NULL,
    law text NOT NULL,
    source text NOT NULL,
    PRIMARY KEY (version, code),
    UNIQUE (version, priority),
    CHECK (person_facts_of IS NULL OR beneficiary = 'household')
);
GRANT SELECT, INSERT ON programme TO qingdan_app;

-- Everybody with an identity reads them; the county's finance publishes them, as the operator may.
ALTER TABLE programme_version ENABLE ROW LEVEL SECURITY;
ALTER TABLE programme_version FORCE ROW LEVEL SECURITY;
CREATE POLICY known_actors_read ON programme_version FOR SELECT USING (app_actor() IS NOT NULL);
CREATE POLICY known_actors_publish ON programme_version FOR INSERT WITH CHECK (app_kind() IN ('user', 'operator'));
ALTER TABLE programme ENABLE ROW LEVEL SECURITY;
ALTER TABLE programme FORCE ROW LEVEL SECURITY;
CREATE POLICY known_actors_read ON programme FOR SELECT USING (app_actor() IS NOT NULL);
CREATE POLICY known_actors_publish ON programme FOR INSERT WITH CHECK (app_kind() IN ('user', 'operator'));
