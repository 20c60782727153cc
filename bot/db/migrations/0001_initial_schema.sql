-- The tables of requests, items, jobs and the audit log.
-- Times are in epoch seconds by the database's clock. Columns that hold JSON are text on both databases.

CREATE TABLE requests (
    id TEXT PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    ask_key TEXT NOT NULL UNIQUE,          -- identifies the command, so that a replay creates nothing
    kind TEXT NOT NULL,                    -- the action
    state TEXT NOT NULL,
    requester TEXT NOT NULL,
    asked_in TEXT NOT NULL,                -- the channel in which the command was typed
    reason TEXT NOT NULL,
    needed INTEGER NOT NULL,               -- approvals
    approvals TEXT NOT NULL,               -- JSON: Slack user ids in the order of their approvals
    decided_by TEXT,
    created_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL,
    approved_at DOUBLE PRECISION,
    finished_at DOUBLE PRECISION,
    outcome TEXT NOT NULL,                 -- JSON: a code and its parameters
    revision INTEGER NOT NULL,
    channel TEXT,                          -- where the card is
    ts TEXT,
    ask_url TEXT,                          -- the command's response_url
    card_url TEXT                          -- a click's response_url, if chat.update cannot reach the clicked card
);
CREATE INDEX requests_by_expiry ON requests (state, expires_at);

CREATE TABLE items (
    request_id TEXT NOT NULL REFERENCES requests (id),
    place INTEGER NOT NULL,
    target_id TEXT,                        -- a Genesys user id; NULL for the bot's own token
    name TEXT,
    email TEXT,
    division TEXT,
    state TEXT,
    member TEXT,                           -- the target's Slack user id, if known
    event TEXT,                            -- the outcome; NULL while the item is open
    PRIMARY KEY (request_id, place)
);

CREATE TABLE jobs (
    id {auto_increment},
    kind TEXT NOT NULL,
    key TEXT NOT NULL UNIQUE,
    request_id TEXT NOT NULL,
    payload TEXT NOT NULL,                 -- JSON
    prio INTEGER NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    due_at DOUBLE PRECISION NOT NULL,
    attempts INTEGER NOT NULL,
    lease_owner TEXT,
    lease_until DOUBLE PRECISION NOT NULL,
    done_at DOUBLE PRECISION
);
CREATE INDEX jobs_open ON jobs (prio, due_at) WHERE done_at IS NULL;
CREATE INDEX jobs_by_request ON jobs (request_id);
CREATE INDEX jobs_done ON jobs (done_at);

CREATE TABLE audit (
    id {auto_increment},
    at DOUBLE PRECISION NOT NULL,
    tag TEXT NOT NULL,
    actor TEXT NOT NULL,
    reference TEXT,
    request_id TEXT,
    target TEXT,
    detail TEXT NOT NULL,                  -- JSON
    hash TEXT NOT NULL                     -- covers the hash of the row before it
);
CREATE INDEX audit_by_request ON audit (request_id);
