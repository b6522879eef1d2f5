-- +goose Up
-- The health check of each day on which one is due: signed, late, or missed.
CREATE TABLE inspect_daily (
  id         text COLLATE "C" PRIMARY KEY,
  day        text COLLATE "C" NOT NULL UNIQUE,
  state      text NOT NULL,
  due_at     bigint NOT NULL,
  late       integer NOT NULL DEFAULT 0,
  since_at   bigint NOT NULL,
  signed_at  bigint,
  signed_by  text NOT NULL DEFAULT '',
  figures    text NOT NULL DEFAULT '{}',
  text       text NOT NULL DEFAULT '',
  sha256     text NOT NULL DEFAULT '',
  area_path  text COLLATE "C" NOT NULL,
  system_id  text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  version    bigint NOT NULL
);
CREATE INDEX inspect_daily_day ON inspect_daily (day, id, area_path);
CREATE INDEX inspect_daily_state ON inspect_daily (state, day, id, area_path);

CREATE TABLE inspect_daily_item (
  daily_id   text COLLATE "C" NOT NULL REFERENCES inspect_daily (id),
  key        text COLLATE "C" NOT NULL,
  position   bigint NOT NULL,
  kind       text NOT NULL,
  severity   text NOT NULL,
  title_zh   text NOT NULL,
  title_en   text NOT NULL,
  detail     text NOT NULL,
  since_at   bigint,
  href       text NOT NULL,
  finding_id text COLLATE "C" NOT NULL,
  note       text NOT NULL,
  PRIMARY KEY (daily_id, key)
);
CREATE INDEX inspect_finding_closed ON inspect_finding (closed_at, id);
