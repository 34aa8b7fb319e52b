import { CallbackTimeout, isConflict, isError, SecsyncNewSnapshotRequiredError, StoreBusy } from '../errors.ts'

/** How a write at the store ended. */
export type Outcome =
  | { status: 'saved', version: number | undefined }
  /** The store has something that the change does not continue. */
  | { status: 'conflict', error: unknown }
  /** The store failed. It may have saved the change all the same. */
  | { status: 'unknown', error: unknown }
  /** The store did not answer in time. It may save the change later. */
  | { status: 'timedOut', error: unknown }
  /** The author must send a snapshot first. */
  | { status: 'snapshotRequired', error: unknown }

export async function outcomeOf (write: () => Promise<number | undefined>): Promise<Outcome> {
  try {
    return { status: 'saved', version: await write() }
  } catch (error) {
    if (isError(error, SecsyncNewSnapshotRequiredError)) return { status: 'snapshotRequired', error }
    if (error instanceof CallbackTimeout || error instanceof StoreBusy) return { status: 'timedOut', error }
    return { status: isConflict(error) ? 'conflict' : 'unknown', error }
  }
}
