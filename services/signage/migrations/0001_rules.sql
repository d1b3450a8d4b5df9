-- The rules on signs: whole versions that are never changed once they stand.

CREATE TABLE rule_version (
    version integer PRIMARY KEY CHECK (version >= 1),
    effective_on date NOT NULL,
    legal_basis text NOT NULL CHECK (length(legal_basis) BETWEEN 1 AND 300), -- why a sign without a slot comes down
    published_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX rule_version_effective ON rule_version (effective_on);
GRANT SELECT, INSERT ON rule_version TO qingdan_app;
SELECT scope_as_reference('rule_version');

-- A kind of sign that may hang is a slot: one of it at each village, in its position.
CREATE TABLE sign_rule (
    version integer NOT NULL REFERENCES rule_version,
    code text NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    also_worded text [] NOT NULL,
    department text NOT NULL,
    permitted boolean NOT NULL,
    position text CHECK (position IN ('outside_horizontal', 'outside_vertical', 'inside')),
    legal_basis text NOT NULL CHECK (length(legal_basis) BETWEEN 1 AND 300),
    PRIMARY KEY (version, code),
    CHECK (permitted = (position IS NOT NULL))
);
GRANT SELECT, INSERT ON sign_rule TO qingdan_app;
SELECT scope_as_reference('sign_rule');
