-- With which key each member's pages sign what they send, so that nobody can pass for somebody else. A page has one of its own.
CREATE TABLE app_author (
    document_id TEXT NOT NULL,
    public_key  TEXT NOT NULL,
    member_id   TEXT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (document_id, public_key),
    FOREIGN KEY (document_id, member_id) REFERENCES app_membership
);

CREATE INDEX app_author_member ON app_author (document_id, member_id, created_at);
