-- +goose Up
-- What members tell their devices and applications apart by.

-- Browser and system in which a member allowed it, cut to names we know; '': not known.
ALTER TABLE oauth_code ADD COLUMN agent TEXT NOT NULL DEFAULT '';
ALTER TABLE oauth_token ADD COLUMN agent TEXT NOT NULL DEFAULT '';
-- When it last asked for something; lags behind by up to an hour. 0: never yet.
ALTER TABLE oauth_token ADD COLUMN used INTEGER NOT NULL DEFAULT 0;
