-- +goose Up
-- What people say of an asset; empty when nobody said it.
ALTER TABLE fleet_asset ADD COLUMN environment    TEXT NOT NULL DEFAULT '';
ALTER TABLE fleet_asset ADD COLUMN criticality    TEXT NOT NULL DEFAULT '';
ALTER TABLE fleet_asset ADD COLUMN owner_id       TEXT NOT NULL DEFAULT '';
ALTER TABLE fleet_asset ADD COLUMN owner_name     TEXT NOT NULL DEFAULT '';
ALTER TABLE fleet_asset ADD COLUMN owner_phone    TEXT NOT NULL DEFAULT '';
ALTER TABLE fleet_asset ADD COLUMN address        TEXT NOT NULL DEFAULT '';
ALTER TABLE fleet_asset ADD COLUMN os             TEXT NOT NULL DEFAULT '';
ALTER TABLE fleet_asset ADD COLUMN vendor         TEXT NOT NULL DEFAULT '';
ALTER TABLE fleet_asset ADD COLUMN model          TEXT NOT NULL DEFAULT '';
ALTER TABLE fleet_asset ADD COLUMN serial         TEXT NOT NULL DEFAULT '';
ALTER TABLE fleet_asset ADD COLUMN location       TEXT NOT NULL DEFAULT '';
ALTER TABLE fleet_asset ADD COLUMN warranty_until TEXT NOT NULL DEFAULT '';
ALTER TABLE fleet_asset ADD COLUMN reach          TEXT NOT NULL DEFAULT '';
UPDATE fleet_asset SET reach = 'local' WHERE machine IS NOT NULL;
