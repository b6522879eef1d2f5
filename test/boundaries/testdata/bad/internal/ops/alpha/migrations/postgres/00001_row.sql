-- +goose Up
CREATE TABLE row (
  id        text COLLATE "C" PRIMARY KEY,
  area_path text NOT NULL, -- want collation
  name      text NOT NULL
);
