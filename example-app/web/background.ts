/// <reference lib="webworker" />
// A second service worker: the browser starts it when there is a network again and no page of the app is open any more (Background Sync, which
// Chromium has). It is of no use for pages, so it has a scope without any.
import { documents, loadDocuments } from './device/documents.ts'
import { loadSession, session } from './session.ts'
import { sendUnsent } from './sync/send-unsent.ts'

declare const self: ServiceWorkerGlobalScope

interface SyncEvent extends ExtendableEvent {}

self.addEventListener('sync' as 'message', (event: SyncEvent) => event.waitUntil(send()))

async function send (): Promise<void> {
  // Pages send themselves.
  const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true })
  await Promise.all([loadSession(), loadDocuments()])
  if (pages.length === 0 && session.get() !== undefined) await sendUnsent(undefined)
  await loadDocuments()
  // The browser then tries again later.
  if (documents.get().some(({ hasUnsent, hasUnsentFiles }) => hasUnsent === true || hasUnsentFiles === true)) throw new Error('Changes still wait to be sent')
}
