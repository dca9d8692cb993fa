-- +goose Up
-- Partners: applications that know who their own authors are.

-- A namespace of owners, partner:NAMESPACE:ID, and the application that may say
-- who they are.
CREATE TABLE partner (
    namespace TEXT    NOT NULL PRIMARY KEY,
    client    TEXT    NOT NULL, -- client id of the application
    at        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX partner_by_client ON partner (client);

-- Which member an owner of a partner is: the partner has said so with a token
-- that the member gave it.
CREATE TABLE partner_identity (
    identity TEXT    NOT NULL PRIMARY KEY, -- partner:NAMESPACE:ID
    member   INTEGER NOT NULL,
    at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX partner_identity_by_member ON partner_identity (member);
