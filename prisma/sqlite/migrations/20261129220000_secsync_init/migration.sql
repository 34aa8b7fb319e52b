-- CreateTable
CREATE TABLE "secsync_document" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "active_snapshot_id" TEXT NOT NULL,
    "clocks" TEXT NOT NULL,
    "version" BIGINT NOT NULL,
    "created_at" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "changed_at" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "snapshot_count" BIGINT NOT NULL,
    "update_count" BIGINT NOT NULL,
    "kept_bytes" BIGINT NOT NULL,
    "active_updates" BIGINT NOT NULL,
    "active_update_bytes" BIGINT NOT NULL,
    "active_snapshot_bytes" BIGINT NOT NULL
);

-- CreateTable
CREATE TABLE "secsync_snapshot" (
    "document_id" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "version" BIGINT NOT NULL,
    "parent_snapshot_proof" TEXT NOT NULL,
    "ciphertext_hash" TEXT NOT NULL,
    "data" TEXT NOT NULL,
    "signature" TEXT NOT NULL,
    "author" TEXT NOT NULL,
    "bytes" BIGINT NOT NULL,
    "created_at" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,

    PRIMARY KEY ("document_id", "id"),
    CONSTRAINT "secsync_snapshot_document_id_fkey" FOREIGN KEY ("document_id") REFERENCES "secsync_document" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "secsync_update" (
    "document_id" TEXT NOT NULL,
    "snapshot_id" TEXT NOT NULL,
    "author" TEXT NOT NULL,
    "clock" BIGINT NOT NULL,
    "version" BIGINT NOT NULL,
    "data" TEXT NOT NULL,
    "created_at" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,

    PRIMARY KEY ("document_id", "snapshot_id", "author", "clock"),
    CONSTRAINT "secsync_update_document_id_snapshot_id_fkey" FOREIGN KEY ("document_id", "snapshot_id") REFERENCES "secsync_snapshot" ("document_id", "id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- CreateIndex
CREATE UNIQUE INDEX "secsync_snapshot_document_id_version_key" ON "secsync_snapshot"("document_id", "version");
