-- Random digits in each row of the audit log. Without them, its hash does not show what was erased from the row.

ALTER TABLE audit ADD COLUMN salt TEXT;  -- NULL if an earlier version added the row; 'erased' after an erasure
