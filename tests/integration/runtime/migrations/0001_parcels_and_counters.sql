-- A table of each kind that services have: one under a division and a department, one for everybody.

CREATE TABLE parcel (
    id integer PRIMARY KEY,
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    version bigint NOT NULL DEFAULT 1
);
CREATE INDEX parcel_division ON parcel (division_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON parcel TO qingdan_app;
SELECT scope_by_division('parcel', 'department');

CREATE VIEW parcel_count WITH (security_invoker = true) AS SELECT count(*) AS parcels FROM parcel;
GRANT SELECT ON parcel_count TO qingdan_app;

CREATE TABLE counter (
    id uuid PRIMARY KEY,
    stands_at integer NOT NULL,
    version bigint NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON counter TO qingdan_app;
SELECT scope_as_reference('counter');
