-- +goose Up
-- Kind and labels of a check's asset, as its name: plans choose by them.
ALTER TABLE inspect_check ADD COLUMN asset_kind TEXT NOT NULL DEFAULT '';
ALTER TABLE inspect_check ADD COLUMN asset_labels TEXT NOT NULL DEFAULT '{}';

ALTER TABLE inspect_plan ADD COLUMN timing TEXT NOT NULL DEFAULT '{}';
ALTER TABLE inspect_plan ADD COLUMN selector TEXT NOT NULL DEFAULT '{}';
ALTER TABLE inspect_plan ADD COLUMN last_slot_at INTEGER;
ALTER TABLE inspect_plan ADD COLUMN calendar_revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE inspect_plan ADD COLUMN empty_since INTEGER;
ALTER TABLE inspect_plan ADD COLUMN empty_slots INTEGER NOT NULL DEFAULT 0;

ALTER TABLE inspect_round ADD COLUMN due_why TEXT NOT NULL DEFAULT '';
