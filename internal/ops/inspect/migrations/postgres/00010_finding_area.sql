-- +goose Up
-- Text within one area: the matches of the words and those of the area meet as bitmaps, before rows are read.
CREATE INDEX inspect_finding_area ON inspect_finding (area_path);
