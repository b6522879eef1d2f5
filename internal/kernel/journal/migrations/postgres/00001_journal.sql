-- +goose Up
-- journal_row holds the record that is hashed, nothing else; the copies by which rows are found lie in
-- journal_chain, and travel there through journal_pending.
CREATE TABLE journal_row (
  serial bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  bytes  bytea  NOT NULL
);

CREATE TABLE journal_pending (
  serial       bigint NOT NULL PRIMARY KEY,
  digest       bytea  NOT NULL,
  id           uuid   NOT NULL,
  type         text   COLLATE "C" NOT NULL,
  at           bigint NOT NULL,
  actor_id     text   COLLATE "C" NOT NULL,
  subject_kind text   COLLATE "C" NOT NULL,
  subject_id   text   COLLATE "C" NOT NULL,
  area_path    text   COLLATE "C" NOT NULL,
  system_id    text   COLLATE "C" NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_analyze_threshold = 2000000000);

CREATE TABLE journal_chain (
  seq          bigint NOT NULL PRIMARY KEY,
  row          bigint NOT NULL,
  prev         bytea  NOT NULL,
  hash         bytea  NOT NULL,
  id           uuid   NOT NULL,
  type         text   COLLATE "C" NOT NULL,
  at           bigint NOT NULL,
  actor_id     text   COLLATE "C" NOT NULL,
  subject_kind text   COLLATE "C" NOT NULL,
  subject_id   text   COLLATE "C" NOT NULL,
  area_path    text   COLLATE "C" NOT NULL,
  system_id    text   COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX journal_chain_row ON journal_chain (row);
CREATE UNIQUE INDEX journal_chain_id ON journal_chain (id);
CREATE INDEX journal_chain_at ON journal_chain (at);
CREATE INDEX journal_chain_type ON journal_chain (type, seq);
CREATE INDEX journal_chain_actor ON journal_chain (actor_id, seq);
CREATE INDEX journal_chain_subject ON journal_chain (subject_kind, subject_id, seq);

CREATE TABLE journal_person (
  person    text   COLLATE "C" NOT NULL PRIMARY KEY,
  wrapped   bytea,
  erased_at bigint
);

CREATE TABLE journal_private (
  serial bigint NOT NULL,
  field  text   COLLATE "C" NOT NULL,
  person text   COLLATE "C" NOT NULL,
  sealed bytea  NOT NULL,
  PRIMARY KEY (serial, field)
);

CREATE TABLE journal_segment (
  number      bigint NOT NULL PRIMARY KEY,
  first_seq   bigint NOT NULL,
  last_seq    bigint NOT NULL,
  root        bytea  NOT NULL,
  prev_root   bytea  NOT NULL,
  head        bytea  NOT NULL,
  closed_at   bigint NOT NULL,
  fingerprint text   NOT NULL,
  signature   bytea  NOT NULL
);
CREATE UNIQUE INDEX journal_segment_last ON journal_segment (last_seq);

CREATE TABLE journal_subscription (
  name       text   COLLATE "C" NOT NULL PRIMARY KEY,
  cursor     bigint NOT NULL,
  updated_at bigint NOT NULL
);

CREATE TABLE journal_parked (
  subscription text    COLLATE "C" NOT NULL,
  subject      text    COLLATE "C" NOT NULL,
  seq          bigint  NOT NULL,
  error        text    NOT NULL,
  since        bigint  NOT NULL,
  retry        boolean NOT NULL,
  PRIMARY KEY (subscription, subject)
);

CREATE TABLE journal_waiting (
  subscription text   COLLATE "C" NOT NULL,
  subject      text   COLLATE "C" NOT NULL,
  seq          bigint NOT NULL,
  PRIMARY KEY (subscription, subject, seq)
);

CREATE TABLE journal_verification (
  id          text   COLLATE "C" NOT NULL PRIMARY KEY,
  state       text   NOT NULL,
  started_at  bigint NOT NULL,
  finished_at bigint,
  started_by  text   NOT NULL,
  owner       text   NOT NULL,
  seen_at     bigint NOT NULL,
  rows        bigint NOT NULL,
  pending     bigint NOT NULL,
  bad         text   NOT NULL,
  head        text   NOT NULL
);

-- +goose StatementBegin
CREATE FUNCTION journal_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the journal is insert-only: % on % is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION journal_person_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.person <> OLD.person OR OLD.wrapped IS NULL OR NEW.wrapped IS NOT NULL THEN
    RAISE EXCEPTION 'a personal key can only be destroyed' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER journal_row_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_row EXECUTE FUNCTION journal_insert_only();
CREATE TRIGGER journal_chain_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_chain EXECUTE FUNCTION journal_insert_only();
CREATE TRIGGER journal_private_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_private EXECUTE FUNCTION journal_insert_only();
CREATE TRIGGER journal_segment_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_segment EXECUTE FUNCTION journal_insert_only();
CREATE TRIGGER journal_person_insert_only BEFORE DELETE OR TRUNCATE ON journal_person EXECUTE FUNCTION journal_insert_only();
CREATE TRIGGER journal_person_kept BEFORE UPDATE ON journal_person FOR EACH ROW EXECUTE FUNCTION journal_person_kept();
