-- +goose Up
-- What people say of an asset; empty when nobody said it.
ALTER TABLE fleet_asset ADD COLUMN environment    text NOT NULL DEFAULT '';
ALTER TABLE fleet_asset ADD COLUMN criticality    text NOT NULL DEFAULT '';
ALTER TABLE fleet_asset ADD COLUMN owner_id       text NOT NULL DEFAULT '';
ALTER TABLE fleet_asset ADD COLUMN owner_name     text NOT NULL DEFAULT '';
ALTER TABLE fleet_asset ADD COLUMN owner_phone    text NOT NULL DEFAULT '';
ALTER TABLE fleet_asset ADD COLUMN address        text NOT NULL DEFAULT '';
ALTER TABLE fleet_asset ADD COLUMN os             text NOT NULL DEFAULT '';
ALTER TABLE fleet_asset ADD COLUMN vendor         text NOT NULL DEFAULT '';
ALTER TABLE fleet_asset ADD COLUMN model          text NOT NULL DEFAULT '';
ALTER TABLE fleet_asset ADD COLUMN serial         text NOT NULL DEFAULT '';
ALTER TABLE fleet_asset ADD COLUMN location       text NOT NULL DEFAULT '';
ALTER TABLE fleet_asset ADD COLUMN warranty_until text NOT NULL DEFAULT '';
ALTER TABLE fleet_asset ADD COLUMN reach          text NOT NULL DEFAULT '';
UPDATE fleet_asset SET reach = 'local' WHERE machine IS NOT NULL;
