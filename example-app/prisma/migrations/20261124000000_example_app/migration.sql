-- The app's own tables. What the plugin stores is in its tables, secsync_*.

-- Whoever has said their name. The key is what they show from then on.
CREATE TABLE app_session (
    member_id   TEXT PRIMARY KEY,
    session_key TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE app_document (
    id                  TEXT PRIMARY KEY,
    -- Who may become a member: everybody who knows the id, or who has an invitation.
    access              TEXT NOT NULL CHECK (access IN ('link', 'invited')),
    -- The snapshot that was active when a member was removed. Its key is known to them: it takes no more updates.
    refused_snapshot_id TEXT,
    created_at          TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE app_invitation (
    token       TEXT PRIMARY KEY,
    document_id TEXT NOT NULL REFERENCES app_document,
    role        TEXT NOT NULL CHECK (role IN ('editor', 'viewer')),
    created_at  TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE app_membership (
    document_id TEXT NOT NULL REFERENCES app_document,
    member_id   TEXT NOT NULL REFERENCES app_session,
    -- A removed member stays here, so as not to become a member again by the link.
    role        TEXT NOT NULL CHECK (role IN ('owner', 'editor', 'viewer', 'removed')),
    -- The invitation that they accepted, if any.
    invitation  TEXT,
    created_at  TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (document_id, member_id)
);
