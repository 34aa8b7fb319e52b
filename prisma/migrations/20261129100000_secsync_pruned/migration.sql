-- AlterTable
ALTER TABLE "secsync_snapshot" ADD COLUMN     "pruned_at" TIMESTAMPTZ(3);
