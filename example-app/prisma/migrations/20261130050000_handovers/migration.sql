-- Owners who handed a document over: what each says of the next one, sealed for each member.
CREATE TABLE app_handover (
    document_id TEXT NOT NULL REFERENCES app_document,
    -- 1, 2, 3, … for each document.
    number      INTEGER NOT NULL,
    member_id   TEXT NOT NULL,
    box         TEXT NOT NULL,
    PRIMARY KEY (document_id, number, member_id)
);
