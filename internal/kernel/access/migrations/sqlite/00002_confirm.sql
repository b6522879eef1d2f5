-- +goose Up
-- accepted_at: the person set a password, and a second administrator has yet to confirm them.
-- confirmed_at: since then it is known that the credentials are the person's; by nobody's id for the host.
ALTER TABLE access_account ADD COLUMN accepted_at INTEGER;
ALTER TABLE access_account ADD COLUMN confirmed_at INTEGER;
ALTER TABLE access_account ADD COLUMN confirmed_by TEXT NOT NULL DEFAULT '';
-- Who made the link; empty for the host. Of older links it is not known, so they are nobody's host.
ALTER TABLE access_invitation ADD COLUMN made_by TEXT NOT NULL DEFAULT 'unknown';
