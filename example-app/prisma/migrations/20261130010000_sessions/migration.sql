-- People and their sessions: one person may have several, each ends, and the server keeps hashes of their keys.
CREATE TABLE app_member (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
INSERT INTO app_member SELECT member_id, name, created_at FROM app_session;

-- SQL does not know the hash. The app moves these when it starts.
CREATE TABLE app_plain_session (
    session_key TEXT PRIMARY KEY,
    member_id   TEXT NOT NULL
);
INSERT INTO app_plain_session SELECT session_key, member_id FROM app_session;

ALTER TABLE app_membership DROP CONSTRAINT app_membership_member_id_fkey, ADD FOREIGN KEY (member_id) REFERENCES app_member;
DROP TABLE app_session;

CREATE TABLE app_session (
    id         TEXT PRIMARY KEY,
    key_hash   TEXT NOT NULL UNIQUE,
    member_id  TEXT NOT NULL REFERENCES app_member,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    -- Within a day.
    used_at    TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX app_session_member_id_idx ON app_session (member_id);
CREATE INDEX app_session_created_at_idx ON app_session (created_at);
CREATE INDEX app_session_used_at_idx ON app_session (used_at);

-- The documents of a person.
CREATE INDEX app_membership_member_id_role_idx ON app_membership (member_id, role);
