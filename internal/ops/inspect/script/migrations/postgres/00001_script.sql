-- +goose Up
CREATE TABLE script_package (
  id         text COLLATE "C" NOT NULL PRIMARY KEY,
  name       text COLLATE "C" NOT NULL UNIQUE,
  title      text NOT NULL,
  class      text COLLATE "C" NOT NULL,
  area_path  text COLLATE "C" NOT NULL,
  system_id  text COLLATE "C" NOT NULL,
  latest     bigint NOT NULL,
  current    bigint NOT NULL, -- 0 until one is released
  draft_id   text COLLATE "C" NOT NULL, -- "" for none
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  version    bigint NOT NULL
);
CREATE INDEX script_package_name ON script_package (name, id, area_path);
CREATE INDEX script_package_updated ON script_package (updated_at, id, area_path);

CREATE TABLE script_version (
  id          text COLLATE "C" NOT NULL PRIMARY KEY,
  package_id  text COLLATE "C" NOT NULL REFERENCES script_package (id),
  number      bigint NOT NULL,
  state       text COLLATE "C" NOT NULL,
  manifest    text NOT NULL,
  body        bytea NOT NULL,
  body_sha256 text NOT NULL,
  sha256      text NOT NULL, -- of text and manifest; "" until released
  note        text NOT NULL,
  created_by  text NOT NULL,
  created_at  bigint NOT NULL,
  released_by text NOT NULL,
  released_at bigint,
  updated_at  bigint NOT NULL,
  version     bigint NOT NULL,
  UNIQUE (package_id, number)
);
CREATE UNIQUE INDEX script_version_draft ON script_version (package_id) WHERE state = 'draft';

-- What was released is what runs: nothing but its end may still happen to it.
-- +goose StatementBegin
CREATE FUNCTION script_version_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF old.state <> 'draft' AND (new.body, new.manifest, new.sha256, new.body_sha256, new.number, new.package_id)
     IS DISTINCT FROM (old.body, old.manifest, old.sha256, old.body_sha256, old.number, old.package_id) THEN
    RAISE EXCEPTION 'a released version of a script cannot change';
  END IF;
  RETURN new;
END $$;
-- +goose StatementEnd
CREATE TRIGGER script_version_fixed BEFORE UPDATE ON script_version FOR EACH ROW EXECUTE FUNCTION script_version_fixed();
