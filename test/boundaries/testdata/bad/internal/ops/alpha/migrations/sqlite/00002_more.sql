-- +goose Up
ALTER TABLE row ADD COLUMN area_path TEXT;
