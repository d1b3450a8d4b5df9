-- Who is in the registers twice: a keyed hash of the resident ID, by which two people are seen to be one. It is made when
-- an identity is read; those that were read before are read again.
CREATE TABLE person_mark (
    person_id uuid PRIMARY KEY,
    resident_hash bytea NOT NULL CHECK (octet_length(resident_hash) = 32)
);
GRANT SELECT, INSERT, UPDATE (resident_hash), DELETE ON person_mark TO qingdan_app;

-- Who sees a person sees the person's mark, as with accounts; an identity may come before its person.
ALTER TABLE person_mark ENABLE ROW LEVEL SECURITY;
ALTER TABLE person_mark FORCE ROW LEVEL SECURITY;
CREATE POLICY service_works ON person_mark USING (app_kind() = 'service') WITH CHECK (app_kind() = 'service');
CREATE POLICY seen_with_its_person ON person_mark FOR SELECT USING (
    EXISTS (SELECT 1 FROM person p WHERE p.id = person_mark.person_id)
);

-- A replica of an earlier version reads identities and makes no marks: what it reads is read once more.
ALTER TABLE identity ADD COLUMN marked boolean NOT NULL DEFAULT false;
DROP INDEX identity_unread;
CREATE INDEX identity_unread ON identity (person_id) WHERE unread OR NOT marked;
