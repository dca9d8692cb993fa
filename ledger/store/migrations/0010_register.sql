-- +goose Up
-- What members register themselves, and take back.

ALTER TABLE thing ADD COLUMN registrar INTEGER; -- the member who registered it and may edit it while it has no verified owner; earns nothing by that
ALTER TABLE thing ADD COLUMN withdrawn INTEGER; -- when its owner or registrar took it out of view; its clicks and what they bring stay
ALTER TABLE thing ADD COLUMN updated INTEGER;   -- when it was last registered or edited; null: not since it was met
CREATE INDEX thing_by_registrar ON thing (registrar) WHERE registrar IS NOT NULL;
