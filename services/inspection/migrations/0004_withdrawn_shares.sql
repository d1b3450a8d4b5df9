-- A share can be withdrawn: nothing of it will be visited any more.
ALTER TABLE share DROP CONSTRAINT share_state_check;
ALTER TABLE share ADD CHECK (
    state IN ('published', 'claimed', 'refused', 'reported_done', 'completed', 'withdrawn'));
ALTER TABLE share ADD COLUMN withdrawn_on date;
ALTER TABLE share ADD COLUMN withdrawal_code text;
