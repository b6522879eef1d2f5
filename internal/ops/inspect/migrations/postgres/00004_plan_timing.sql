-- +goose Up
-- Kind and labels of a check's asset, as its name: plans choose by them.
ALTER TABLE inspect_check ADD COLUMN asset_kind text NOT NULL DEFAULT '';
ALTER TABLE inspect_check ADD COLUMN asset_labels text NOT NULL DEFAULT '{}';

ALTER TABLE inspect_plan ADD COLUMN timing text NOT NULL DEFAULT '{}';
ALTER TABLE inspect_plan ADD COLUMN selector text NOT NULL DEFAULT '{}';
ALTER TABLE inspect_plan ADD COLUMN last_slot_at bigint;
ALTER TABLE inspect_plan ADD COLUMN calendar_revision bigint NOT NULL DEFAULT 0;
ALTER TABLE inspect_plan ADD COLUMN empty_since bigint;
ALTER TABLE inspect_plan ADD COLUMN empty_slots bigint NOT NULL DEFAULT 0;

ALTER TABLE inspect_round ADD COLUMN due_why text NOT NULL DEFAULT '';
