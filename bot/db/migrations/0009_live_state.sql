-- What a person was doing in Genesys Cloud when the card was made.

ALTER TABLE requests ADD COLUMN live TEXT;  -- JSON (bot.domain.live_state); NULL: not read, or not for this audience
