-- +goose Up
-- One row: what holds for the whole installation. Changes of accounts lock it, so that two
-- administrators cannot take each other away at the same moment.
CREATE TABLE access_installation (
  id          INTEGER PRIMARY KEY CHECK (id = 1),
  mode        TEXT NOT NULL CHECK (mode IN ('trial', 'production')),
  declared_at INTEGER,
  declared_by TEXT NOT NULL
) STRICT;
INSERT INTO access_installation (id, mode, declared_by) VALUES (1, 'trial', '');

-- area_path and system_id say who keeps the account: they follow from its grants.
CREATE TABLE access_account (
  id              TEXT PRIMARY KEY,
  login           TEXT NOT NULL,
  display_name    TEXT NOT NULL,
  state           TEXT NOT NULL CHECK (state IN ('invited', 'active', 'disabled', 'removed')),
  password_hash   TEXT NOT NULL,
  totp_secret     BLOB,
  totp_pending    BLOB,
  totp_step       INTEGER NOT NULL,
  area_path       TEXT NOT NULL,
  system_id       TEXT NOT NULL,
  last_sign_in_at INTEGER,
  created_at      INTEGER NOT NULL,
  erased_at       INTEGER,
  version         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX access_account_login ON access_account (login) WHERE state <> 'removed';
CREATE INDEX access_account_by_login ON access_account (login, id);
CREATE INDEX access_account_created ON access_account (created_at, id);

CREATE TABLE access_grant (
  account_id TEXT NOT NULL REFERENCES access_account (id),
  role       TEXT NOT NULL,
  area_path  TEXT NOT NULL,
  system_id  TEXT NOT NULL,
  PRIMARY KEY (account_id, role, area_path, system_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX access_grant_role ON access_grant (role, account_id);

CREATE TABLE access_session (
  id           TEXT PRIMARY KEY,
  token_hash   TEXT NOT NULL UNIQUE,
  account_id   TEXT NOT NULL REFERENCES access_account (id),
  created_at   INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  fresh_until  INTEGER NOT NULL,
  remote       TEXT NOT NULL,
  user_agent   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX access_session_account ON access_session (account_id, created_at);
CREATE INDEX access_session_expires ON access_session (expires_at);

CREATE TABLE access_setup_link (
  token_hash TEXT PRIMARY KEY,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at    INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE access_invitation (
  id         TEXT PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES access_account (id),
  token_hash TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at    INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX access_invitation_account ON access_invitation (account_id);

CREATE TABLE access_recovery_code (
  account_id TEXT NOT NULL REFERENCES access_account (id),
  code_hash  TEXT NOT NULL,
  used_at    INTEGER,
  PRIMARY KEY (account_id, code_hash)
) STRICT, WITHOUT ROWID;

-- Keys are 16 bits of a keyed hash, so the table cannot be filled by inventing logins or addresses.
CREATE TABLE access_attempt (
  key          TEXT PRIMARY KEY,
  failures     INTEGER NOT NULL,
  last_at      INTEGER NOT NULL,
  locked_until INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX access_attempt_last ON access_attempt (last_at);
