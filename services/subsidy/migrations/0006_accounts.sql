-- Whose account is paid: each account that a person's identity named is a version, and at most one is in force.

-- unread: the newest identity has not been opened yet. unreadable: it could not be opened, and nobody is paid by it.
ALTER TABLE identity ADD COLUMN unread boolean NOT NULL DEFAULT true;
ALTER TABLE identity ADD COLUMN unreadable boolean NOT NULL DEFAULT false;
CREATE INDEX identity_unread ON identity (person_id) WHERE unread;

-- The account itself is in the sealed identity that the version came from. Here are keyed hashes, of the account and of
-- the account with its owner's name, and the last four digits; NULL: not read yet, or forgotten. id is also what the
-- bank is asked under. is_change: another account was in force before. quiet_since: the bank owes an answer since then.
CREATE TABLE account (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    person_id uuid NOT NULL,
    number integer NOT NULL CHECK (number >= 1),
    is_change boolean NOT NULL,
    state text NOT NULL CHECK (state IN (
        'proposed', 'asked', 'verified', 'unverifiable', 'mismatched', 'in_force', 'replaced', 'refused', 'withdrawn',
        'expired'
    )),
    account_hash bytea CHECK (octet_length(account_hash) = 32),
    owner_hash bytea CHECK (octet_length(owner_hash) = 32),
    last_four text CHECK (last_four ~ '^[0-9]{4}$'),
    cooling_s bigint NOT NULL DEFAULT 0 CHECK (cooling_s >= 0),
    bank text,
    reason text CHECK (length(reason) BETWEEN 1 AND 200),
    proposed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    asked_at timestamptz,
    quiet_since timestamptz,
    checked_at timestamptz,
    cooled_at timestamptz,
    confirmed_by text,
    second_by text,
    refused_by text,
    in_force_from timestamptz,
    in_force_until timestamptz,
    version bigint NOT NULL DEFAULT 1,
    UNIQUE (person_id, number),
    CHECK ((bank IS NULL) = (asked_at IS NULL)),
    CHECK ((quiet_since IS NULL) = (state <> 'asked')),
    CHECK (state NOT IN ('verified', 'unverifiable') OR cooled_at IS NOT NULL),
    CHECK (state NOT IN ('mismatched', 'refused') OR reason IS NOT NULL),
    CHECK (second_by IS NULL OR confirmed_by IS NOT NULL),
    CHECK (second_by <> confirmed_by), -- seen by two
    CHECK ((refused_by IS NULL) = (state <> 'refused')),
    CHECK (state NOT IN ('in_force', 'replaced') OR in_force_from IS NOT NULL),
    CHECK ((in_force_until IS NULL) = (in_force_from IS NULL OR state = 'in_force')),
    CHECK (in_force_until >= in_force_from)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX account_one_in_force ON account (person_id) WHERE state = 'in_force';
CREATE UNIQUE INDEX account_one_under_way ON account (person_id)
WHERE state IN ('proposed', 'asked', 'verified', 'unverifiable');
CREATE INDEX account_to_ask ON account (id) WHERE state = 'proposed';
CREATE INDEX account_quiet ON account (quiet_since) WHERE quiet_since IS NOT NULL;
CREATE INDEX account_open ON account (state, id)
WHERE state IN ('proposed', 'asked', 'verified', 'unverifiable', 'mismatched');
CREATE INDEX account_shared ON account (account_hash)
WHERE state IN ('proposed', 'asked', 'verified', 'unverifiable', 'in_force') AND account_hash IS NOT NULL;
GRANT SELECT ON account TO qingdan_app;
GRANT INSERT (id, person_id, number, is_change, state, account_hash, owner_hash, last_four, cooling_s)
ON account TO qingdan_app;
GRANT UPDATE (
    state, account_hash, owner_hash, last_four, bank, reason, asked_at, quiet_since, checked_at, cooled_at,
    confirmed_by, second_by, refused_by, in_force_from, in_force_until, version
) ON account TO qingdan_app;

-- Who sees a person sees the person's accounts, wherever the person moves; an identity may come before its person.
ALTER TABLE account ENABLE ROW LEVEL SECURITY;
ALTER TABLE account FORCE ROW LEVEL SECURITY;
CREATE POLICY service_works ON account USING (app_kind() = 'service') WITH CHECK (app_kind() = 'service');
CREATE POLICY seen_with_its_person ON account FOR SELECT USING (
    EXISTS (SELECT 1 FROM person p WHERE p.id = account.person_id)
);
CREATE POLICY decided_with_its_person ON account FOR UPDATE USING (
    EXISTS (SELECT 1 FROM person p WHERE p.id = account.person_id)
);

-- Nothing is entered in force (it has no time of that yet). No way leads back into force, and none there but from the bank's word or two people's.
CREATE FUNCTION account_never_goes_back() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION 'an account does not go from % to %', OLD.state, NEW.state
        USING ERRCODE = 'integrity_constraint_violation';
END $body$;
CREATE TRIGGER never_back BEFORE UPDATE OF state ON account FOR EACH ROW WHEN (
    NEW.state = 'in_force' AND CASE OLD.state
        WHEN 'in_force' THEN false
        WHEN 'asked' THEN OLD.is_change
        WHEN 'verified' THEN false
        WHEN 'unverifiable' THEN OLD.is_change AND NEW.second_by IS NULL
        ELSE true
    END
    OR OLD.state IN ('replaced', 'refused', 'withdrawn', 'expired') AND NEW.state <> OLD.state
) EXECUTE FUNCTION account_never_goes_back();

-- The sealed identity of each version that may be paid, or was refused by somebody.
CREATE TABLE account_identity (
    account_id uuid PRIMARY KEY REFERENCES account,
    keys jsonb NOT NULL,
    sealed jsonb NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON account_identity TO qingdan_app;
SELECT scope_to_service('account_identity');

-- For which changes a county takes the register's word, and nobody needs to look.
CREATE TABLE account_trust (
    division_id integer NOT NULL REFERENCES division,
    change text NOT NULL CHECK (change IN ('renamed', 'dormant')),
    decided_by text NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (division_id, change)
);
GRANT SELECT, INSERT, DELETE ON account_trust TO qingdan_app;
SELECT scope_by_division('account_trust');

-- What a bank said of accounts that does not fit. check_id may be nobody's, and is everybody's concern then.
CREATE TABLE account_oddity (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    bank text NOT NULL,
    check_id uuid NOT NULL,
    said text NOT NULL,
    times bigint NOT NULL DEFAULT 1 CHECK (times >= 1),
    first_heard_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_heard_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (check_id, kind, bank, said)
);
GRANT SELECT, INSERT (kind, bank, check_id, said, times), UPDATE (times, last_heard_at)
ON account_oddity TO qingdan_app;
ALTER TABLE account_oddity ENABLE ROW LEVEL SECURITY;
ALTER TABLE account_oddity FORCE ROW LEVEL SECURITY;
CREATE POLICY service_works ON account_oddity USING (app_kind() = 'service') WITH CHECK (app_kind() = 'service');
CREATE POLICY scoped_read ON account_oddity FOR SELECT USING (
    (kind = 'unknown_check' AND app_actor() IS NOT NULL)
    OR EXISTS (SELECT 1 FROM account a WHERE a.id = account_oddity.check_id)
);

-- A payment whose payee's account is not in force yet waits, and the run's other payments pass it.
ALTER TABLE payment ADD COLUMN waits_for text CHECK (waits_for = 'account_not_verified');
ALTER TABLE payment ADD CONSTRAINT payment_waits_unsent CHECK (waits_for IS NULL OR state = 'prepared');
GRANT UPDATE (waits_for) ON payment TO qingdan_app;
DROP INDEX payment_prepared;
CREATE INDEX payment_prepared ON payment (run_id, id) WHERE state = 'prepared' AND waits_for IS NULL;
CREATE INDEX payment_waiting ON payment (payee) WHERE waits_for IS NOT NULL;
CREATE INDEX payment_account_dead ON payment (payee) WHERE reason IN ('account_closed', 'account_dormant');

-- Whoever was paid by the identity that is known still has an account that works. Its hashes follow when it is read.
-- Payments are seen by place and department: from the root, and of all.
SELECT set_config('app.division', '1', true), set_config('app.department', '*', true);
WITH paid AS (
    SELECT i.person_id, i.recorded_at, i.keys, i.sealed FROM identity i WHERE EXISTS (
        SELECT 1 FROM payment p WHERE p.payee = i.person_id AND p.state = 'settled' AND p.sent_at >= i.recorded_at
    )
), in_force AS (
    INSERT INTO account (person_id, number, is_change, state, in_force_from)
    SELECT person_id, 1, false, 'in_force', recorded_at FROM paid RETURNING id, person_id
)
INSERT INTO account_identity (account_id, keys, sealed)
SELECT f.id, p.keys, p.sealed FROM in_force f JOIN paid p USING (person_id);
SELECT set_config('app.division', '', true), set_config('app.department', '', true);
