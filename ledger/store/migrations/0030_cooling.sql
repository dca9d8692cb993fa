-- +goose Up
-- What has changed hands lately, to hold back what it brings.
CREATE INDEX claim_change_by_payable ON claim_change (payable);
