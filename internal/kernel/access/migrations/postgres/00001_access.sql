-- +goose Up
-- One row: what holds for the whole installation. Changes of accounts lock it, so that two
-- administrators cannot take each other away at the same moment.
CREATE TABLE access_installation (
  id          integer PRIMARY KEY CHECK (id = 1),
  mode        text NOT NULL CHECK (mode IN ('trial', 'production')),
  declared_at bigint,
  declared_by text COLLATE "C" NOT NULL
);
INSERT INTO access_installation (id, mode, declared_by) VALUES (1, 'trial', '');

-- area_path and system_id say who keeps the account: they follow from its grants.
CREATE TABLE access_account (
  id              text COLLATE "C" PRIMARY KEY,
  login           text COLLATE "C" NOT NULL,
  display_name    text COLLATE "C" NOT NULL,
  state           text COLLATE "C" NOT NULL CHECK (state IN ('invited', 'active', 'disabled', 'removed')),
  password_hash   text NOT NULL,
  totp_secret     bytea,
  totp_pending    bytea,
  totp_step       bigint NOT NULL,
  area_path       text COLLATE "C" NOT NULL,
  system_id       text COLLATE "C" NOT NULL,
  last_sign_in_at bigint,
  created_at      bigint NOT NULL,
  erased_at       bigint,
  version         integer NOT NULL
);
CREATE UNIQUE INDEX access_account_login ON access_account (login) WHERE state <> 'removed';
CREATE INDEX access_account_by_login ON access_account (login, id);
CREATE INDEX access_account_created ON access_account (created_at, id);

CREATE TABLE access_grant (
  account_id text COLLATE "C" NOT NULL REFERENCES access_account (id),
  role       text COLLATE "C" NOT NULL,
  area_path  text COLLATE "C" NOT NULL,
  system_id  text COLLATE "C" NOT NULL,
  PRIMARY KEY (account_id, role, area_path, system_id)
);
CREATE INDEX access_grant_role ON access_grant (role, account_id);

CREATE TABLE access_session (
  id           text COLLATE "C" PRIMARY KEY,
  token_hash   text COLLATE "C" NOT NULL UNIQUE,
  account_id   text COLLATE "C" NOT NULL REFERENCES access_account (id),
  created_at   bigint NOT NULL,
  last_seen_at bigint NOT NULL,
  expires_at   bigint NOT NULL,
  fresh_until  bigint NOT NULL,
  remote       text NOT NULL,
  user_agent   text NOT NULL
);
CREATE INDEX access_session_account ON access_session (account_id, created_at);
CREATE INDEX access_session_expires ON access_session (expires_at);

CREATE TABLE access_setup_link (
  token_hash text COLLATE "C" PRIMARY KEY,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  used_at    bigint
);

CREATE TABLE access_invitation (
  id         text COLLATE "C" PRIMARY KEY,
  account_id text COLLATE "C" NOT NULL REFERENCES access_account (id),
  token_hash text COLLATE "C" NOT NULL UNIQUE,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  used_at    bigint
);
CREATE INDEX access_invitation_account ON access_invitation (account_id);

CREATE TABLE access_recovery_code (
  account_id text COLLATE "C" NOT NULL REFERENCES access_account (id),
  code_hash  text COLLATE "C" NOT NULL,
  used_at    bigint,
  PRIMARY KEY (account_id, code_hash)
);

-- Keys are 16 bits of a keyed hash, so the table cannot be filled by inventing logins or addresses.
CREATE TABLE access_attempt (
  key          text COLLATE "C" PRIMARY KEY,
  failures     integer NOT NULL,
  last_at      bigint NOT NULL,
  locked_until bigint
);
CREATE INDEX access_attempt_last ON access_attempt (last_at);
