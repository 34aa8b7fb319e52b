-- How a new document key reaches the members who stay when somebody is removed. All of it is public or sealed.

-- The public key of each member's device, and what the document's key says for it.
CREATE TABLE app_device (
    document_id TEXT NOT NULL,
    member_id   TEXT NOT NULL,
    public_key  TEXT NOT NULL,
    voucher     TEXT NOT NULL,
    PRIMARY KEY (document_id, member_id),
    FOREIGN KEY (document_id, member_id) REFERENCES app_membership
);

-- The keys of a document after its first, in the order in which they were made.
CREATE TABLE app_key (
    document_id TEXT NOT NULL REFERENCES app_document,
    key_id      TEXT NOT NULL,
    number      BIGINT GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (document_id, key_id)
);

-- A key, sealed for one member.
CREATE TABLE app_key_box (
    document_id TEXT NOT NULL,
    key_id      TEXT NOT NULL,
    member_id   TEXT NOT NULL,
    box         TEXT NOT NULL,
    PRIMARY KEY (document_id, key_id, member_id),
    FOREIGN KEY (document_id, key_id) REFERENCES app_key
);
