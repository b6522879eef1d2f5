-- +goose Up
-- PostgreSQL has an index on the area here; SQLite considers the newest matches only and needs none.
SELECT 1;
