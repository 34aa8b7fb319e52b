-- Encrypted files of documents, such as images, in chunks.
CREATE TABLE app_file (
    document_id TEXT NOT NULL REFERENCES app_document,
    id          TEXT NOT NULL,
    -- Who uploads it.
    member_id   TEXT NOT NULL,
    -- Of all its chunks.
    bytes       INTEGER NOT NULL DEFAULT 0,
    created_at  TIMESTAMPTZ NOT NULL DEFAULT now(),
    -- NULL: it is being uploaded, and nobody reads it.
    finished_at TIMESTAMPTZ,
    PRIMARY KEY (document_id, id)
);
CREATE INDEX app_file_finished_at_created_at_idx ON app_file (finished_at, created_at);

CREATE TABLE app_file_chunk (
    document_id TEXT NOT NULL,
    file_id     TEXT NOT NULL,
    number      INTEGER NOT NULL,
    data        BYTEA NOT NULL,
    PRIMARY KEY (document_id, file_id, number),
    FOREIGN KEY (document_id, file_id) REFERENCES app_file ON DELETE CASCADE
);
