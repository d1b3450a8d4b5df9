-- The responsibility list and the negative list: whole versions that are never changed once they stand.

CREATE TABLE list_version (
    list_code text NOT NULL,
    version integer NOT NULL CHECK (version >= 1),
    effective_on date NOT NULL,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (list_code, version)
);
CREATE INDEX list_version_effective ON list_version (list_code, effective_on);
GRANT SELECT, INSERT ON list_version TO qingdan_app;
SELECT scope_as_reference('list_version');

CREATE TABLE list_item (
    list_code text NOT NULL,
    version integer NOT NULL,
    code text NOT NULL,
    category text NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    law text NOT NULL,
    article text NOT NULL,
    owner_department text NOT NULL,
    askers text [] NOT NULL,
    kinds text [] NOT NULL,
    asks_per_village_year_max integer CHECK (asks_per_village_year_max >= 1),
    hours_estimate integer NOT NULL CHECK (hours_estimate >= 0),
    inspect_on_completion boolean NOT NULL,
    paid boolean NOT NULL,
    PRIMARY KEY (list_code, version, code),
    FOREIGN KEY (list_code, version) REFERENCES list_version
);
GRANT SELECT, INSERT ON list_item TO qingdan_app;
SELECT scope_as_reference('list_item');

-- What may never be asked, whatever it is called.
CREATE TABLE negative_entry (
    list_code text NOT NULL,
    version integer NOT NULL,
    code text NOT NULL,
    kind text NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    PRIMARY KEY (list_code, version, code),
    FOREIGN KEY (list_code, version) REFERENCES list_version
);
GRANT SELECT, INSERT ON negative_entry TO qingdan_app;
SELECT scope_as_reference('negative_entry');
