-- The villages' responsibility list, as the tasks service has published it: asks for signs are checked by the same gate.

CREATE TABLE list_version (
    list_code text NOT NULL,
    version integer NOT NULL CHECK (version >= 1),
    effective_on date NOT NULL,
    body jsonb NOT NULL, -- the event
    PRIMARY KEY (list_code, version)
);
GRANT SELECT, INSERT ON list_version TO qingdan_app;
SELECT scope_as_reference('list_version');

ALTER TABLE refused_request ADD COLUMN list_version integer; -- of the responsibility list, where it had its say
