// Sends what waits on this device when no page of the app is open: `../background.ts`.

const scope = '/background/'
const tag = 'unsent'

interface WithSync extends ServiceWorkerRegistration {
  sync: { register (tag: string): Promise<void> }
}

/** Where the browser has Background Sync. */
function canSync (registration: ServiceWorkerRegistration | undefined): registration is WithSync {
  return registration !== undefined && 'sync' in registration
}

export async function startBackground (): Promise<void> {
  // Firefox and Safari have no Background Sync, and Firefox no modules in service workers.
  if ('SyncManager' in globalThis) await navigator.serviceWorker.register('/background.js', { scope, type: 'module' })
}

/** Asks the browser to send it as soon as there is a network, also after the pages were closed. */
export async function sendInBackground (): Promise<void> {
  if (!('serviceWorker' in navigator)) return
  const registration = await navigator.serviceWorker.getRegistration(scope)
  // A browser may forbid it.
  if (canSync(registration)) await registration.sync.register(tag).catch(() => {})
}
