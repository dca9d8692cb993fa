-- +goose Up
-- Who invited a member is told on the member's first page.
CREATE INDEX invite_by_user ON invite (used_by) WHERE used_by IS NOT NULL;
