-- Bulk requests: the summary that a card shows, the entries of its list, and whether it is paused or stopped.

ALTER TABLE requests ADD COLUMN bulk TEXT;  -- JSON: the summary of a bulk request (bot.domain.bulk); NULL for others

CREATE TABLE bulk_entries (
    request_id TEXT NOT NULL REFERENCES requests (id),
    place INTEGER NOT NULL,                -- the order in the list
    text TEXT NOT NULL,                    -- as it was written
    finding TEXT NOT NULL,
    target_id TEXT,                        -- a Genesys user id
    name TEXT,
    email TEXT,
    division TEXT,
    state TEXT,
    member TEXT,                           -- the person's Slack user id, if known
    protected INTEGER NOT NULL,
    conversations INTEGER,                 -- how many the person was in when the list was looked up; NULL if not known
    lane INTEGER,                          -- which token's job sends the DELETE; NULL if none has taken it
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at DOUBLE PRECISION NOT NULL DEFAULT 0,
    outcome TEXT,                          -- revoked, refused, failed or unknown; NULL while it is open
    detail TEXT NOT NULL DEFAULT '{}',     -- JSON: a code and its parameters, as in requests.outcome
    finished_at DOUBLE PRECISION,
    PRIMARY KEY (request_id, place)
);
CREATE INDEX bulk_entries_open ON bulk_entries (request_id, place) WHERE finding = 'found' AND outcome IS NULL;

CREATE TABLE bulk_runs (
    request_id TEXT PRIMARY KEY REFERENCES requests (id),
    lanes INTEGER NOT NULL,                -- how many jobs send the DELETEs, each with a token of its own
    started_at DOUBLE PRECISION NOT NULL,
    state TEXT NOT NULL,                   -- running, paused or stopped
    changed_by TEXT,                       -- the Slack user id of the admin who paused, resumed or stopped it
    changed_at DOUBLE PRECISION,
    rendered_at DOUBLE PRECISION           -- when the card last showed progress
);
