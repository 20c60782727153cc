-- Numbers of the rows of the audit log, and an index for the list of finished requests.

ALTER TABLE audit ADD COLUMN number BIGINT;            -- counts from 1 without gaps; NULL if an earlier version added the row

UPDATE audit SET number = counted.number
FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS number FROM audit) AS counted
WHERE counted.id = audit.id;

CREATE INDEX requests_by_finish ON requests (finished_at, id);
