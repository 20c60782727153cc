"""The SQL of the job queue."""

from __future__ import annotations

INSERT = """
INSERT INTO jobs (kind, key, request_id, payload, prio, created_at, due_at, attempts, lease_owner, lease_until)
VALUES (:kind, :key, :request_id, :payload, :prio, :now, :due_at, :attempts, :lease_owner, :lease_until)
"""

RETURNING = " RETURNING id, kind, request_id, payload, attempts, created_at"

ADD_LEASED = INSERT + "ON CONFLICT (key) DO NOTHING" + RETURNING

ENQUEUE = INSERT + "ON CONFLICT (key) DO UPDATE SET due_at = excluded.due_at, done_at = NULL, attempts = 0"

ENQUEUE_ONCE = INSERT + "ON CONFLICT (key) DO NOTHING"

_FREE = "jobs.lease_owner IS NULL OR (jobs.lease_until <= :now AND jobs.lease_owner <> excluded.lease_owner)"

ENQUEUE_LEASED = (
    INSERT
    + f"""
ON CONFLICT (key) DO UPDATE SET
    due_at = excluded.due_at,
    done_at = NULL,
    attempts = CASE WHEN {_FREE} THEN 1 ELSE 0 END,
    lease_owner = CASE WHEN {_FREE} THEN excluded.lease_owner ELSE jobs.lease_owner END,
    lease_until = CASE WHEN {_FREE} THEN excluded.lease_until ELSE jobs.lease_until END
"""
    + RETURNING
)
"""A process that holds the job keeps its lease, and `attempts` becomes 0, which makes it run the job again. It may
still run a job whose lease has ended, until another process claims that."""

DUE = """
SELECT id, kind, request_id, payload, attempts, created_at FROM jobs
WHERE done_at IS NULL AND due_at <= :now AND (lease_owner IS NULL OR lease_until <= :now) AND kind IN ({kinds})
    AND (kind IN ('command', 'reply') OR NOT EXISTS (
        SELECT 1 FROM requests
        WHERE requests.id = jobs.request_id AND (requests.kind NOT IN ({actions}) OR requests.state NOT IN ({states}))
    ))
ORDER BY prio, due_at LIMIT :limit
"""
"""Commands have no request yet, and a reply needs none."""

LEASE = """
UPDATE jobs SET lease_owner = :owner, lease_until = :lease_until, attempts = attempts + 1 WHERE id IN ({ids})
"""

LEASE_FIRST = (
    """
UPDATE jobs SET lease_owner = :lease_owner, lease_until = :lease_until, attempts = :attempts
WHERE kind = :kind AND request_id = :request_id AND done_at IS NULL AND lease_owner IS NULL AND attempts = 0
"""
    + RETURNING
)

SET_JOB_ASIDE = "UPDATE jobs SET due_at = :due_at WHERE id = :id"

COMPLETE = """
UPDATE jobs SET done_at = :now, lease_owner = NULL
WHERE id = :id AND lease_owner = :owner AND done_at IS NULL
"""

COMPLETE_UNLESS_ENQUEUED = COMPLETE + "AND attempts > 0"

RELEASE = """
UPDATE jobs SET due_at = :due_at, lease_owner = NULL
WHERE id = :id AND lease_owner = :owner AND done_at IS NULL
"""

CONTINUE = """
UPDATE jobs SET due_at = :due_at, lease_owner = NULL, payload = :payload
WHERE id = :id AND lease_owner = :owner AND done_at IS NULL
"""

UNDO_LEASE = """
UPDATE jobs
SET due_at = :due_at, lease_owner = NULL, attempts = CASE WHEN attempts > 0 THEN attempts - 1 ELSE 0 END
WHERE id = :id AND lease_owner = :owner AND done_at IS NULL
"""

RENEW = """
UPDATE jobs SET lease_until = :lease_until
WHERE id = :id AND lease_owner = :owner AND done_at IS NULL
"""

RELEASE_OWN = """
UPDATE jobs SET lease_owner = NULL
WHERE substr(lease_owner, 1, length(:prefix)) = :prefix AND lease_owner <> :owner
"""

IS_DONE = "SELECT 1 FROM jobs WHERE id = :id AND done_at IS NOT NULL"

IS_WAITING = "SELECT 1 FROM jobs WHERE id = :id AND done_at IS NULL"

DEPTH = """
SELECT kind, count(*) AS number FROM jobs
WHERE done_at IS NULL AND (kind NOT IN ('reminder', 'watch') OR due_at <= :now) GROUP BY kind
"""
"""A reminder or a watch that is not due yet is no backlog."""

END_REMINDERS = """
UPDATE jobs SET done_at = :now, lease_owner = NULL
WHERE request_id = :request_id AND kind = 'reminder' AND done_at IS NULL
"""

OLDEST_DUE = "SELECT min(due_at) AS due_at FROM jobs WHERE done_at IS NULL"

PENDING = "SELECT count(*) AS number FROM requests WHERE state = 'pending'"

PROBE = """
INSERT INTO jobs (kind, key, request_id, payload, prio, created_at, due_at, attempts, lease_until, done_at)
VALUES ('probe', 'probe', '', '{}', 0, :now, :now, 0, 0, :now)
ON CONFLICT (key) DO UPDATE SET done_at = excluded.done_at
"""
"""A job that is done. Readiness writes it, because only a written row shows that the next click can be stored."""
