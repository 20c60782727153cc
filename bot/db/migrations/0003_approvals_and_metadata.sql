-- Approvals that no longer held, the seals of requests and approvals, and facts about this database.

ALTER TABLE requests ADD COLUMN dropped TEXT NOT NULL DEFAULT '[]';  -- JSON: approvers whose approval no longer held
ALTER TABLE requests ADD COLUMN seal TEXT;                           -- a MAC of what the card shows; NULL before 0003
ALTER TABLE requests ADD COLUMN approval_seals TEXT NOT NULL DEFAULT '[]';  -- JSON: a MAC for each approval

CREATE TABLE metadata (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
