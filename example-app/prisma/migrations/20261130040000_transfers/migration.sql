-- What makes another device somebody: encrypted, for some minutes, and taken once.
CREATE TABLE app_transfer (
    -- One for each person: a new one takes the place of the one before.
    member_id  TEXT PRIMARY KEY REFERENCES app_member,
    -- SHA-256, in base64. The link has a secret from which the id is made.
    id_hash    TEXT NOT NULL UNIQUE,
    sealed     TEXT NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX app_transfer_expires_at_idx ON app_transfer (expires_at);
