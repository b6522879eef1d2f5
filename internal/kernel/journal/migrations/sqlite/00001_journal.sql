-- +goose Up
-- journal_row holds the record that is hashed, nothing else; the copies by which rows are found lie in
-- journal_chain.
CREATE TABLE journal_row (
  serial INTEGER PRIMARY KEY AUTOINCREMENT,
  bytes  BLOB NOT NULL
) STRICT;

CREATE TABLE journal_chain (
  seq          INTEGER PRIMARY KEY,
  row          INTEGER NOT NULL,
  prev         BLOB NOT NULL,
  hash         BLOB NOT NULL,
  id           TEXT NOT NULL,
  type         TEXT NOT NULL,
  at           INTEGER NOT NULL,
  actor_id     TEXT NOT NULL,
  subject_kind TEXT NOT NULL,
  subject_id   TEXT NOT NULL,
  area_path    TEXT NOT NULL,
  system_id    TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX journal_chain_row ON journal_chain (row);
CREATE UNIQUE INDEX journal_chain_id ON journal_chain (id);
CREATE INDEX journal_chain_at ON journal_chain (at);
CREATE INDEX journal_chain_type ON journal_chain (type, seq);
CREATE INDEX journal_chain_actor ON journal_chain (actor_id, seq);
CREATE INDEX journal_chain_subject ON journal_chain (subject_kind, subject_id, seq);

CREATE TABLE journal_person (
  person    TEXT NOT NULL PRIMARY KEY,
  wrapped   BLOB,
  erased_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE journal_private (
  serial INTEGER NOT NULL,
  field  TEXT NOT NULL,
  person TEXT NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (serial, field)
) STRICT, WITHOUT ROWID;

CREATE TABLE journal_segment (
  number      INTEGER PRIMARY KEY,
  first_seq   INTEGER NOT NULL,
  last_seq    INTEGER NOT NULL,
  root        BLOB NOT NULL,
  prev_root   BLOB NOT NULL,
  head        BLOB NOT NULL,
  closed_at   INTEGER NOT NULL,
  fingerprint TEXT NOT NULL,
  signature   BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX journal_segment_last ON journal_segment (last_seq);

CREATE TABLE journal_subscription (
  name       TEXT NOT NULL PRIMARY KEY,
  cursor     INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE journal_parked (
  subscription TEXT NOT NULL,
  subject      TEXT NOT NULL,
  seq          INTEGER NOT NULL,
  error        TEXT NOT NULL,
  since        INTEGER NOT NULL,
  retry        INTEGER NOT NULL,
  PRIMARY KEY (subscription, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE journal_waiting (
  subscription TEXT NOT NULL,
  subject      TEXT NOT NULL,
  seq          INTEGER NOT NULL,
  PRIMARY KEY (subscription, subject, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE journal_verification (
  id          TEXT NOT NULL PRIMARY KEY,
  state       TEXT NOT NULL,
  started_at  INTEGER NOT NULL,
  finished_at INTEGER,
  started_by  TEXT NOT NULL,
  owner       TEXT NOT NULL,
  seen_at     INTEGER NOT NULL,
  rows        INTEGER NOT NULL,
  pending     INTEGER NOT NULL,
  bad         TEXT NOT NULL,
  head        TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- REPLACE removes the old row without firing a delete trigger, so inserts over an existing row are
-- refused as well.
-- +goose StatementBegin
CREATE TRIGGER journal_row_no_update BEFORE UPDATE ON journal_row BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER journal_row_no_delete BEFORE DELETE ON journal_row BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER journal_row_no_replace BEFORE INSERT ON journal_row WHEN EXISTS (SELECT 1 FROM journal_row WHERE serial = NEW.serial)
BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER journal_chain_no_update BEFORE UPDATE ON journal_chain BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER journal_chain_no_delete BEFORE DELETE ON journal_chain BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER journal_chain_no_replace BEFORE INSERT ON journal_chain
WHEN EXISTS (SELECT 1 FROM journal_chain WHERE seq = NEW.seq) OR EXISTS (SELECT 1 FROM journal_chain WHERE row = NEW.row) OR EXISTS (SELECT 1 FROM journal_chain WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER journal_private_no_update BEFORE UPDATE ON journal_private BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER journal_private_no_delete BEFORE DELETE ON journal_private BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER journal_private_no_replace BEFORE INSERT ON journal_private WHEN EXISTS (SELECT 1 FROM journal_private WHERE serial = NEW.serial AND field = NEW.field)
BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER journal_segment_no_update BEFORE UPDATE ON journal_segment BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER journal_segment_no_delete BEFORE DELETE ON journal_segment BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER journal_segment_no_replace BEFORE INSERT ON journal_segment WHEN EXISTS (SELECT 1 FROM journal_segment WHERE number = NEW.number OR last_seq = NEW.last_seq)
BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER journal_person_no_delete BEFORE DELETE ON journal_person BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER journal_person_kept BEFORE UPDATE ON journal_person WHEN NEW.person <> OLD.person OR OLD.wrapped IS NULL OR NEW.wrapped IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a personal key can only be destroyed'); END;
-- +goose StatementEnd
