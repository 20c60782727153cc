-- The names of people whom a mention named, as an approver reads them.

ALTER TABLE items ADD COLUMN member_name TEXT;  -- the target's name in Slack; NULL if not known
