-- What an overridden day is called; `source` is the number of the notice that says so.

ALTER TABLE workday_override ADD COLUMN name_zh text CHECK (length(name_zh) BETWEEN 1 AND 60);
