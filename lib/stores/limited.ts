import { withinTimeLimit } from './time-limit.ts'
import type { Store } from './store.ts'

/** A store that is not waited for without end: a database may hang as well as a callback. */
export function limited (store: Store, ms: number): Store {
  return {
    groupsUpdates: store.groupsUpdates,
    sharesLoads: store.sharesLoads,
    load: (...args) => withinTimeLimit('getDocument', ms, () => store.load(...args)),
    saveUpdates: (...args) => withinTimeLimit('createUpdate', ms, () => store.saveUpdates(...args)),
    saveSnapshot: (...args) => withinTimeLimit('createSnapshot', ms, () => store.saveSnapshot(...args))
  }
}
