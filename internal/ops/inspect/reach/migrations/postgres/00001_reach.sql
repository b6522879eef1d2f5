-- +goose Up
CREATE TABLE reach_login (
  id          text COLLATE "C" NOT NULL PRIMARY KEY,
  name        text COLLATE "C" NOT NULL UNIQUE,
  host        text NOT NULL,
  port        integer NOT NULL,
  account     text NOT NULL,
  jump_id     text COLLATE "C" REFERENCES reach_login (id),
  note        text NOT NULL,
  secrets     bytea,
  method      text NOT NULL,
  host_key    text NOT NULL, -- '' until a person accepted one
  accepted_by text NOT NULL,
  accepted_at bigint,
  area_path   text COLLATE "C" NOT NULL,
  system_id   text COLLATE "C" NOT NULL,
  created_at  bigint NOT NULL,
  updated_at  bigint NOT NULL,
  version     bigint NOT NULL
);
CREATE INDEX reach_login_name ON reach_login (name, id, area_path);
CREATE INDEX reach_login_created ON reach_login (created_at, id, area_path);
CREATE INDEX reach_login_jump ON reach_login (jump_id);
