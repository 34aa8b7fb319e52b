-- No statement rewrites or reads secsync_snapshot and secsync_update. The two indexes read secsync_document: about 2 s for a million documents.
-- With many more, create both before, by hand, while the server runs: see docs/documents.md. Then this migration takes milliseconds.

-- CreateIndex
CREATE INDEX IF NOT EXISTS "secsync_document_id_idx" ON "secsync_document"("id" text_pattern_ops);

-- CreateTable
CREATE TABLE "secsync_deletion" (
    "document_id" TEXT NOT NULL,
    "deleted_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "restorable_until" TIMESTAMPTZ(3) NOT NULL,
    "purge_started_at" TIMESTAMPTZ(3),
    "purged_at" TIMESTAMPTZ(3),
    "version" BIGINT NOT NULL,
    "active_snapshot_id" TEXT NOT NULL,
    "clocks" JSONB NOT NULL,
    "chain_proof" TEXT NOT NULL,
    "snapshot_count" BIGINT NOT NULL,
    "update_count" BIGINT NOT NULL,
    "bytes" BIGINT NOT NULL,

    CONSTRAINT "secsync_deletion_pkey" PRIMARY KEY ("document_id")
);

-- CreateIndex
CREATE INDEX "secsync_deletion_purged_at_restorable_until_idx" ON "secsync_deletion"("purged_at", "restorable_until");

-- AddForeignKey
ALTER TABLE "secsync_deletion" ADD CONSTRAINT "secsync_deletion_document_id_fkey" FOREIGN KEY ("document_id") REFERENCES "secsync_document"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AlterTable
ALTER TABLE "secsync_snapshot" ADD COLUMN     "author" TEXT,
ADD COLUMN     "bytes" BIGINT,
ADD COLUMN     "signature" TEXT,
ALTER COLUMN "data" DROP NOT NULL;

-- AlterTable
ALTER TABLE "secsync_document" ADD COLUMN IF NOT EXISTS "changed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
ADD COLUMN     "counted_version" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "snapshot_count" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "update_count" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "kept_bytes" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "active_updates" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "active_update_bytes" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "active_snapshot_bytes" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "deleted_at" TIMESTAMPTZ(3);

-- CreateIndex
CREATE INDEX IF NOT EXISTS "secsync_document_changed_at_id_idx" ON "secsync_document"("changed_at", "id");
