-- People who requested the same while a request was open, cards in further places, and indexes of open requests.

ALTER TABLE requests ADD COLUMN followers TEXT NOT NULL DEFAULT '[]';  -- JSON: who else requested it, and why
ALTER TABLE requests ADD COLUMN copies TEXT NOT NULL DEFAULT '[]';     -- JSON: where further cards are

CREATE INDEX requests_open ON requests (requester) WHERE state IN ('pending', 'approved');
CREATE INDEX items_by_target ON items (target_id);
