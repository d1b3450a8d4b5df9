-- Removal orders: each becomes one task, which stands on a law instead of an item of the list.

-- A share carries the legal basis too: a village sees no row of the task above it.
ALTER TABLE task ADD COLUMN legal_basis text CHECK (length(legal_basis) BETWEEN 1 AND 300);
ALTER TABLE share ADD COLUMN legal_basis text CHECK (length(legal_basis) BETWEEN 1 AND 300);

-- An order told twice, under whatever event id, makes no second task.
CREATE UNIQUE INDEX task_of_removal_order ON task (origin_service, origin_id) WHERE origin_kind = 'removal_order';
