-- +goose Up
CREATE TABLE row (id TEXT PRIMARY KEY);
