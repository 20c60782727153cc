-- The rules under which each request was made.

ALTER TABLE requests ADD COLUMN rules TEXT;         -- JSON: the settings that grant rights; NULL before 0006
ALTER TABLE requests ADD COLUMN protected INTEGER;  -- 1 if PROTECTED has named the target; NULL before 0006
