-- Invitations that can be listed, limited and ended. The server keeps hashes of what lets people in.
ALTER TABLE app_invitation
    ADD COLUMN id         TEXT,
    ADD COLUMN token_hash TEXT,
    -- NULL: as many as a document may have members.
    ADD COLUMN max_uses   INTEGER,
    ADD COLUMN expires_at TIMESTAMPTZ,
    ADD COLUMN ended_at   TIMESTAMPTZ;
UPDATE app_invitation SET id = gen_random_uuid()::text,
    token_hash = translate(encode(sha256(convert_to(token, 'UTF8')), 'base64'), '+/=', '-_'),
    expires_at = now() + interval '30 days';
UPDATE app_membership SET invitation = (SELECT id FROM app_invitation WHERE token = invitation);

ALTER TABLE app_invitation DROP CONSTRAINT app_invitation_pkey, DROP COLUMN token,
    ALTER COLUMN token_hash SET NOT NULL, ALTER COLUMN expires_at SET NOT NULL,
    ADD PRIMARY KEY (id), ADD UNIQUE (token_hash);
CREATE INDEX app_invitation_document_id_idx ON app_invitation (document_id);

ALTER TABLE app_membership RENAME COLUMN invitation TO invitation_id;
ALTER TABLE app_membership ADD FOREIGN KEY (invitation_id) REFERENCES app_invitation ON DELETE SET NULL;
CREATE INDEX app_membership_invitation_id_idx ON app_membership (invitation_id);
