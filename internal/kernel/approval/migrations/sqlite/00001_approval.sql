-- +goose Up
CREATE TABLE approval_request (
  id              TEXT NOT NULL PRIMARY KEY,
  number          TEXT NOT NULL UNIQUE,
  kind            TEXT NOT NULL,
  subject_kind    TEXT NOT NULL,
  subject_id      TEXT NOT NULL,
  title_zh        TEXT NOT NULL,
  title_en        TEXT NOT NULL,
  href            TEXT NOT NULL,
  reason          TEXT NOT NULL,
  state           TEXT NOT NULL,
  proposed_by     TEXT NOT NULL,
  proposed_at     INTEGER NOT NULL,
  decided_by      TEXT NOT NULL,
  decided_at      INTEGER,
  decision_reason TEXT NOT NULL,
  how             TEXT NOT NULL,
  outside_number  TEXT NOT NULL,
  outside_who     TEXT NOT NULL,
  outside_on      TEXT NOT NULL,
  alone           INTEGER NOT NULL,
  area_path       TEXT NOT NULL,
  system_id       TEXT NOT NULL,
  version         INTEGER NOT NULL
) STRICT;
-- One thing waits for one decision of a kind.
CREATE UNIQUE INDEX approval_request_waiting ON approval_request (kind, subject_kind, subject_id) WHERE state = 'proposed';
CREATE INDEX approval_request_proposed ON approval_request (proposed_at, id, area_path);
CREATE INDEX approval_request_state ON approval_request (state, proposed_at, id, area_path);
CREATE INDEX approval_request_kind ON approval_request (kind, proposed_at, id, area_path);
CREATE INDEX approval_request_subject ON approval_request (subject_id, proposed_at, id, area_path);
