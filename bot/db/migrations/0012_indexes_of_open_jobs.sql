-- Queries for open jobs read only those that are due, or those of one request. SQLite preferred the index of done jobs,
-- which listed all open ones too.

DROP INDEX jobs_done;
DROP INDEX jobs_open;
DROP INDEX jobs_by_request;

CREATE INDEX jobs_done ON jobs (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX jobs_open ON jobs (kind, due_at) WHERE done_at IS NULL;
CREATE INDEX jobs_by_request ON jobs (request_id, kind);
