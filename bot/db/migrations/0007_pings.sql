-- When a requester last made the bot mention the approvers, so that replicas agree on the limit.

CREATE TABLE pings (
    requester TEXT PRIMARY KEY,
    message TEXT NOT NULL,                 -- the key of the job whose message mentions them
    at DOUBLE PRECISION NOT NULL
);
