-- +goose Up
CREATE TABLE approval_request (
  id              text COLLATE "C" NOT NULL PRIMARY KEY,
  number          text COLLATE "C" NOT NULL UNIQUE,
  kind            text COLLATE "C" NOT NULL,
  subject_kind    text NOT NULL,
  subject_id      text COLLATE "C" NOT NULL,
  title_zh        text NOT NULL,
  title_en        text NOT NULL,
  href            text NOT NULL,
  reason          text NOT NULL,
  state           text NOT NULL,
  proposed_by     text COLLATE "C" NOT NULL,
  proposed_at     bigint NOT NULL,
  decided_by      text NOT NULL,
  decided_at      bigint,
  decision_reason text NOT NULL,
  how             text NOT NULL,
  outside_number  text NOT NULL,
  outside_who     text NOT NULL,
  outside_on      text NOT NULL,
  alone           bigint NOT NULL,
  area_path       text COLLATE "C" NOT NULL,
  system_id       text COLLATE "C" NOT NULL,
  version         bigint NOT NULL
);
-- One thing waits for one decision of a kind.
CREATE UNIQUE INDEX approval_request_waiting ON approval_request (kind, subject_kind, subject_id) WHERE state = 'proposed';
CREATE INDEX approval_request_proposed ON approval_request (proposed_at, id, area_path);
CREATE INDEX approval_request_state ON approval_request (state, proposed_at, id, area_path);
CREATE INDEX approval_request_kind ON approval_request (kind, proposed_at, id, area_path);
CREATE INDEX approval_request_subject ON approval_request (subject_id, proposed_at, id, area_path);
