-- Removal orders: one for each sign that must come down, followed through the other services until it is down.

-- The state is what was last heard of the order's task; a refused share leaves it contested, for somebody to look at.
CREATE TABLE removal_order (
    id uuid PRIMARY KEY,
    sign_id uuid NOT NULL UNIQUE REFERENCES sign,
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    state text NOT NULL CHECK (state IN ('ordered', 'tasked', 'claimed', 'reported', 'contested', 'removed')),
    ordered_on date NOT NULL,
    due_on date NOT NULL,
    legal_basis text NOT NULL CHECK (length(legal_basis) BETWEEN 1 AND 300),
    task_id uuid,
    share_id uuid,
    refusal_code text,
    removed_on date,
    version bigint NOT NULL DEFAULT 1,
    CHECK (due_on >= ordered_on),
    CHECK ((task_id IS NULL) = (share_id IS NULL)),
    CHECK (state <> 'contested' OR refusal_code IS NOT NULL),
    CHECK ((removed_on IS NULL) = (state <> 'removed'))
) WITH (fillfactor = 75); -- an order changes a few times and no index holds what changes: leave room on its page
CREATE INDEX removal_order_division ON removal_order (division_id, id);
GRANT SELECT, INSERT, UPDATE ON removal_order TO qingdan_app;
SELECT scope_by_division('removal_order', 'department');
