import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Store } from './store.ts'

/** A store whose calls are measured. */
export function measuredStore (store: Store, telemetry: Telemetry): Store {
  return {
    groupsUpdates: store.groupsUpdates,
    sharesLoads: store.sharesLoads,
    load: (documentId, known, request) => telemetry.load(known.mode, () => store.load(documentId, known, request)),
    saveUpdates: (documentId, updates, request) => telemetry.commit(documentId, updates, () => store.saveUpdates(documentId, updates, request)),
    saveSnapshot: (documentId, snapshot, request) => telemetry.commit(documentId, [snapshot], () => store.saveSnapshot(documentId, snapshot, request))
  }
}
