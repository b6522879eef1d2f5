-- +goose Up
-- The title in English, beside the Chinese one; of findings that are there already it is that of their check.
ALTER TABLE inspect_finding ADD COLUMN title_en text NOT NULL DEFAULT '';
UPDATE inspect_finding SET title_en = COALESCE(
  (SELECT CASE c.target WHEN '' THEN c.title_en ELSE c.title_en || ' ' || c.target END
     FROM inspect_check AS c WHERE c.id = inspect_finding.check_id), title);

-- Red first, and the newest first among equals, as one number: the gravity before the microseconds of the
-- opening, which need fewer than 16 digits until the year 2286. See the first migration for the indexes.
ALTER TABLE inspect_finding ADD COLUMN urgency bigint NOT NULL GENERATED ALWAYS AS (
  CASE severity WHEN 'critical' THEN 3 WHEN 'unknown' THEN 2 WHEN 'warning' THEN 1 ELSE 0 END * 10000000000000000 + opened_at) STORED;
CREATE INDEX inspect_finding_urgency ON inspect_finding (urgency, id, area_path);
CREATE INDEX inspect_finding_state_urgency ON inspect_finding (state, urgency, id, area_path);
CREATE INDEX inspect_finding_open_urgency ON inspect_finding (active, urgency, id, area_path);
CREATE INDEX inspect_finding_severity_urgency ON inspect_finding (severity, urgency, id, area_path);
CREATE INDEX inspect_finding_assignee_urgency ON inspect_finding (assignee_id, urgency, id, area_path);
CREATE INDEX inspect_finding_class_urgency ON inspect_finding (class, urgency, id, area_path);
CREATE INDEX inspect_finding_asset_urgency ON inspect_finding (asset_id, urgency, id, area_path);
CREATE INDEX inspect_finding_system_urgency ON inspect_finding (system_id, urgency, id, area_path);
CREATE INDEX inspect_finding_overdue_urgency ON inspect_finding (overdue, urgency, id, area_path);
CREATE INDEX inspect_finding_recurring_urgency ON inspect_finding (recurring, urgency, id, area_path);
