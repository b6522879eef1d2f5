-- +goose Up
CREATE TABLE store_counter (
  kind text    NOT NULL,
  year integer NOT NULL,
  n    bigint  NOT NULL,
  PRIMARY KEY (kind, year)
);

CREATE TABLE store_once (
  owner   text    COLLATE "C" NOT NULL,
  key     text    COLLATE "C" NOT NULL,
  request text    NOT NULL,
  status  integer NOT NULL,
  body    bytea   NOT NULL,
  at      bigint  NOT NULL,
  PRIMARY KEY (owner, key)
);
CREATE INDEX store_once_at ON store_once (at);
