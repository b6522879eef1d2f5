-- +goose Up
ALTER TABLE inspect_finding ADD COLUMN postponed  INTEGER  NOT NULL DEFAULT 0; -- times its due time was moved
ALTER TABLE inspect_finding ADD COLUMN overdue    INTEGER NOT NULL DEFAULT 0; -- 1 once its due time passed unrepaired
ALTER TABLE inspect_finding ADD COLUMN recurrence INTEGER  NOT NULL DEFAULT 0; -- findings of the check before it, each soon after the last
ALTER TABLE inspect_finding ADD COLUMN recurring  INTEGER NOT NULL DEFAULT 0; -- 1 when recurrence is not 0
CREATE INDEX inspect_finding_due ON inspect_finding (due_at) WHERE active = 1 AND overdue = 0 AND due_at IS NOT NULL;
CREATE INDEX inspect_finding_overdue ON inspect_finding (overdue, opened_at, id, area_path);
CREATE INDEX inspect_finding_recurring ON inspect_finding (recurring, opened_at, id, area_path);
