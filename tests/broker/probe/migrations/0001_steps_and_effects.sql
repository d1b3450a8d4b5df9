-- What the probe does itself (journal), what it has heard of (effect), and which events it cannot bear (fault).

CREATE TABLE journal (
    task uuid PRIMARY KEY,
    steps integer NOT NULL,
    version bigint NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON journal TO qingdan_app;
SELECT scope_as_reference('journal');

-- No unique key on purpose: an event that is applied twice must be seen, not refused.
CREATE TABLE effect (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task uuid NOT NULL,
    step integer NOT NULL
);
GRANT SELECT, INSERT ON effect TO qingdan_app;
SELECT scope_to_service('effect');

CREATE TABLE fault (
    percent integer PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('bug', 'refusal', 'outage', 'pause'))
);
GRANT SELECT ON fault TO qingdan_app;
SELECT scope_to_service('fault');
