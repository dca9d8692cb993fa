-- +goose Up
-- The zone in which pages and letters show a member's times (IANA name). Months
-- are UTC, whatever it says.
ALTER TABLE member ADD COLUMN zone TEXT NOT NULL DEFAULT 'UTC';
