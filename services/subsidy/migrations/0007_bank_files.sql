-- Files for banks that take files instead of events, their results, and the banks' daily statements.

-- By which channel a county's bank is paid, and what its files look like. No row: by events.
CREATE TABLE bank_profile (
    division_id integer NOT NULL REFERENCES division,
    bank text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('event', 'file')),
    document jsonb NOT NULL CHECK (document ->> 'channel' = channel),
    version bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (division_id, bank)
);
GRANT SELECT, INSERT, UPDATE (channel, document, version) ON bank_profile TO qingdan_app;
SELECT scope_by_division('bank_profile');

-- A file is made a batch at a time, and complete when it is ready. profile: as it was when the file was ordered, so that
-- its results are read as it was written. key: the content key of its parts, wrapped to the service.
CREATE TABLE bank_file (
    id uuid PRIMARY KEY,
    run_id uuid NOT NULL REFERENCES run,
    division_id integer NOT NULL REFERENCES division,
    bank text NOT NULL,
    profile jsonb NOT NULL,
    format text NOT NULL GENERATED ALWAYS AS (profile ->> 'format') STORED,
    state text NOT NULL DEFAULT 'making' CHECK (state IN ('making', 'ready', 'empty')),
    payments_max integer NOT NULL CHECK (payments_max BETWEEN 1 AND 500000),
    payments integer NOT NULL DEFAULT 0,
    total_fen bigint NOT NULL DEFAULT 0 CHECK (total_fen BETWEEN 0 AND 9007199254740991),
    batches integer NOT NULL DEFAULT 0 CHECK (batches >= 0),
    key jsonb,
    sha256 bytea CHECK (octet_length(sha256) = 32),
    content_bytes bigint CHECK (content_bytes >= 1),
    file_name text NOT NULL CHECK (length(file_name) BETWEEN 1 AND 200),
    ordered_by text NOT NULL,
    ordered_at timestamptz NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    CHECK (payments BETWEEN 0 AND payments_max),
    CHECK ((payments = 0) = (total_fen = 0)),
    CHECK ((payments = 0) = (batches = 0)),
    CHECK (state <> 'ready' OR payments > 0),
    CHECK (state <> 'empty' OR payments = 0),
    CHECK ((state = 'ready') = (sha256 IS NOT NULL)),
    CHECK ((state = 'ready') = (content_bytes IS NOT NULL))
);
CREATE UNIQUE INDEX bank_file_one_under_way ON bank_file (run_id) WHERE state = 'making';
CREATE INDEX bank_file_run ON bank_file (run_id, id);
CREATE INDEX bank_file_division ON bank_file (division_id);
GRANT SELECT, INSERT (id, run_id, division_id, bank, profile, payments_max, file_name, ordered_by, ordered_at),
UPDATE (state, payments, total_fen, batches, key, sha256, content_bytes, version) ON bank_file TO qingdan_app;
SELECT scope_by_division('bank_file');

-- What is ready or empty stays as it is, but for the count of its changes: results come in for it.
CREATE FUNCTION bank_file_is_made_once() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION 'a file that is ready does not change' USING ERRCODE = 'integrity_constraint_violation';
END $body$;
CREATE TRIGGER made_once BEFORE UPDATE OF state, payments, total_fen, batches, key, sha256, content_bytes ON bank_file
FOR EACH ROW WHEN (OLD.state <> 'making') EXECUTE FUNCTION bank_file_is_made_once();

-- The content, exactly as it goes out: compressed, cut, each part sealed to the service. Places: 0 before the batches,
-- then a place for each batch, then what stands behind them.
CREATE TABLE bank_file_part (
    file_id uuid NOT NULL REFERENCES bank_file,
    place integer NOT NULL CHECK (place >= 0),
    part integer NOT NULL CHECK (part >= 1),
    sealed text NOT NULL CHECK (length(sealed) <= 20000),
    PRIMARY KEY (file_id, place, part)
);
GRANT SELECT, INSERT ON bank_file_part TO qingdan_app;
SELECT scope_to_service('bank_file_part');
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON bank_file_part
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A batch goes to its bank by one channel: as events, or as a place of one file.
ALTER TABLE batch ADD COLUMN channel text NOT NULL DEFAULT 'event' CHECK (channel IN ('event', 'file'));
ALTER TABLE batch ADD COLUMN file_id uuid REFERENCES bank_file;
ALTER TABLE batch ADD COLUMN place integer CHECK (place >= 1);
ALTER TABLE batch ADD CONSTRAINT batch_one_channel CHECK (
    (channel = 'file') = (file_id IS NOT NULL) AND (channel = 'file') = (place IS NOT NULL)
);
CREATE UNIQUE INDEX batch_place ON batch (file_id, place);

-- Nothing that went out in a file goes out as an event as well, whatever the code says.
CREATE FUNCTION instruction_of_an_event() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF EXISTS (
        SELECT 1 FROM written AS w JOIN payment p ON p.id = w.payment_id JOIN batch b ON b.id = p.batch_id
        WHERE b.channel = 'file'
    ) THEN
        RAISE EXCEPTION 'a payment goes to its bank by one channel' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER one_channel AFTER INSERT ON instruction REFERENCING NEW TABLE AS written
FOR EACH STATEMENT EXECUTE FUNCTION instruction_of_an_event();

-- Each file of results that was taken in, by what it came to. What it said is in the payments and the oddities.
CREATE TABLE bank_result (
    id uuid PRIMARY KEY,
    file_id uuid NOT NULL REFERENCES bank_file,
    division_id integer NOT NULL REFERENCES division,
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    rows integer NOT NULL CHECK (rows >= 0),
    changed integer NOT NULL CHECK (changed BETWEEN 0 AND rows),
    odd integer NOT NULL CHECK (odd >= 0),
    taken_by text NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX bank_result_file ON bank_result (file_id, id);
CREATE INDEX bank_result_division ON bank_result (division_id);
GRANT SELECT, INSERT ON bank_result TO qingdan_app;
SELECT scope_by_division('bank_result');
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON bank_result
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What is odd in a file is entered by whoever takes the file in, for payments in their scope and for nobody's.
CREATE POLICY finance_enters ON bank_oddity FOR INSERT WITH CHECK (
    app_kind() = 'user' AND (division_id IS NULL OR EXISTS (
        SELECT 1 FROM division_closure c
        WHERE c.ancestor_id = app_division() AND c.descendant_id = bank_oddity.division_id
    ))
);
CREATE POLICY finance_counts ON bank_oddity FOR UPDATE USING (
    app_kind() = 'user' AND (division_id IS NULL OR EXISTS (
        SELECT 1 FROM division_closure c
        WHERE c.ancestor_id = app_division() AND c.descendant_id = bank_oddity.division_id
    ))
);

-- The bank's statement of a day. Nothing is changed in it; opening and movements come to the closing balance.
CREATE TABLE daily_statement (
    id uuid PRIMARY KEY,
    division_id integer NOT NULL REFERENCES division,
    bank text NOT NULL,
    account text NOT NULL,
    number text NOT NULL,
    on_date date NOT NULL,
    opening_fen bigint NOT NULL,
    credit_fen bigint NOT NULL CHECK (credit_fen >= 0),
    debit_fen bigint NOT NULL CHECK (debit_fen >= 0),
    closing_fen bigint NOT NULL,
    entries integer NOT NULL CHECK (entries >= 0),
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    taken_by text NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    compared_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (division_id, bank, account, on_date),
    UNIQUE (division_id, bank, number),
    CHECK (opening_fen + credit_fen - debit_fen = closing_fen)
);
GRANT SELECT, INSERT, UPDATE (compared_at) ON daily_statement TO qingdan_app;
SELECT scope_by_division('daily_statement');

CREATE TABLE daily_entry (
    statement_id uuid NOT NULL REFERENCES daily_statement,
    number integer NOT NULL CHECK (number >= 1),
    division_id integer NOT NULL REFERENCES division,
    payment_id uuid,
    credit boolean NOT NULL,
    amount_fen bigint NOT NULL CHECK (amount_fen BETWEEN 1 AND 9007199254740991),
    bank_reference text,
    status text,
    PRIMARY KEY (statement_id, number)
);
CREATE INDEX daily_entry_payment ON daily_entry (payment_id, credit);
CREATE INDEX daily_entry_division ON daily_entry (division_id);
GRANT SELECT, INSERT ON daily_entry TO qingdan_app;
SELECT scope_by_division('daily_entry');
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON daily_entry
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What a day's comparison finds by the bank and the day on which payments ended.
CREATE INDEX payment_ended ON payment (bank, ended_on) WHERE ended_on IS NOT NULL AND batch_id IS NOT NULL;

-- Where a day's statement and our books differ. gone: what came later settled it, and it stays written down.
CREATE TABLE daily_difference (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    statement_id uuid NOT NULL REFERENCES daily_statement,
    division_id integer NOT NULL REFERENCES division,
    kind text NOT NULL,
    entry integer,
    payment_id uuid,
    our_state text,
    our_fen bigint,
    bank_credit boolean,
    bank_fen bigint,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'explained', 'confirmed', 'gone')),
    explanation text,
    note text CHECK (length(note) BETWEEN 1 AND 500),
    explained_by text,
    confirmed_by text,
    found_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    gone_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    UNIQUE NULLS NOT DISTINCT (statement_id, kind, entry, payment_id),
    FOREIGN KEY (statement_id, entry) REFERENCES daily_entry,
    CHECK (num_nonnulls(entry, payment_id) >= 1),
    CHECK (num_nonnulls(explanation, note, explained_by) IN (0, 3)),
    CHECK (state NOT IN ('explained', 'confirmed') OR explained_by IS NOT NULL),
    CHECK (state <> 'open' OR explained_by IS NULL),
    CHECK ((state = 'confirmed') <= (confirmed_by IS NOT NULL)),
    CHECK (confirmed_by <> explained_by),
    CHECK ((state = 'gone') = (gone_at IS NOT NULL))
);
CREATE INDEX daily_difference_statement ON daily_difference (statement_id, entry);
CREATE INDEX daily_difference_division ON daily_difference (division_id);
CREATE INDEX daily_difference_unsettled ON daily_difference (statement_id) WHERE state IN ('open', 'explained');
GRANT SELECT, INSERT (statement_id, division_id, kind, entry, payment_id, our_state, our_fen, bank_credit, bank_fen),
UPDATE (our_state, our_fen, state, explanation, note, explained_by, confirmed_by, gone_at, version)
ON daily_difference TO qingdan_app;
SELECT scope_by_division('daily_difference');
