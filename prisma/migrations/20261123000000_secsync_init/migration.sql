-- CreateTable
CREATE TABLE "secsync_document" (
    "id" TEXT NOT NULL,
    "active_snapshot_id" TEXT NOT NULL,
    "clocks" JSONB NOT NULL,
    "version" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "secsync_document_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "secsync_snapshot" (
    "document_id" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "version" BIGINT NOT NULL,
    "parent_snapshot_proof" TEXT NOT NULL,
    "ciphertext_hash" TEXT NOT NULL,
    "data" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "secsync_snapshot_pkey" PRIMARY KEY ("document_id","id")
);

-- CreateTable
CREATE TABLE "secsync_update" (
    "document_id" TEXT NOT NULL,
    "snapshot_id" TEXT NOT NULL,
    "author" TEXT NOT NULL,
    "clock" BIGINT NOT NULL,
    "version" BIGINT NOT NULL,
    "data" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "secsync_update_pkey" PRIMARY KEY ("document_id","snapshot_id","author","clock")
);

-- CreateIndex
CREATE UNIQUE INDEX "secsync_snapshot_document_id_version_key" ON "secsync_snapshot"("document_id", "version");

-- AddForeignKey
ALTER TABLE "secsync_snapshot" ADD CONSTRAINT "secsync_snapshot_document_id_fkey" FOREIGN KEY ("document_id") REFERENCES "secsync_document"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "secsync_update" ADD CONSTRAINT "secsync_update_document_id_snapshot_id_fkey" FOREIGN KEY ("document_id", "snapshot_id") REFERENCES "secsync_snapshot"("document_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;
