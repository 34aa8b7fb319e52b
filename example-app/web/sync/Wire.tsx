import sodium from 'libsodium-wrappers'
import { useEffect, useState } from 'react'
import { useYjsSync } from 'secsync-react-yjs'
import { z } from 'zod'
import { beforeLeaving } from '../route.ts'
import { useSignal } from '../ui/signal.ts'
import type { Attempt, Connection } from './connection.ts'
import { emptyChange, Line } from './line.ts'
import type { OpenDocument } from './open-document.ts'
import { joinPresence } from './presence.ts'

/** What a snapshot says in public beside what every snapshot says. The server checks the same. */
const snapshotPublicData = z.object({ keyId: z.string().optional() })

const endpoint = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/documents`

/** A connection of a document: the published React hook, and what joins it to the rest of the app. It shows nothing. */
export function Wire ({ open, connection, attempt }: { open: OpenDocument, connection: Connection, attempt: Attempt }) {
  const [line] = useState(() => new Line(open))
  const [state, send, machine, awareness] = useYjsSync({
    documentId: open.id,
    yDoc: line.doc,
    signatureKeyPair: line.keyPair,
    websocketEndpoint: endpoint,
    websocketSessionKey: attempt.session.sessionKey,
    sodium,
    getSnapshotKey: async (info) => sodium.from_base64(await open.keyOf(info?.additionalPublicData?.keyId)),
    getNewSnapshotData: ({ id }) => line.snapshot(id),
    shouldSendSnapshot: ({ snapshotUpdatesCount }) => line.wantsSnapshot(snapshotUpdatesCount),
    // Who has the document's key and is let in by the server may write.
    isValidClient: () => true,
    onDocumentUpdated: (event) => line.documentUpdated(event),
    onPendingChangesUpdated: (changes) => line.pending(changes),
    additionalAuthenticationDataValidations: { snapshot: snapshotPublicData }
  })

  useEffect(() => line.endSpareAwareness())
  useEffect(() => () => line.doc.destroy(), [line])

  useEffect(() => {
    let last = machine.getSnapshot()
    const { unsubscribe } = machine.subscribe((now) => {
      const before = last
      last = now
      if (now.value === before.value) return
      if (now.matches('noAccess')) connection.refused()
      else if (now.matches('failed')) connection.failed()
      else if (now.matches('connected') && !before.matches('connected')) connection.opened()
      else if (before.matches('connected') && !now.matches('connected')) {
        const snapshotOnItsWay = before.context._snapshotInFlight !== null
        if (snapshotOnItsWay) line.abandon()
        connection.lost(snapshotOnItsWay)
      }
    })
    return unsubscribe
  }, [machine, connection, line])

  const live = state.context._documentDecryptionState === 'complete' && state.matches('connected')
  useEffect(() => { if (live) connection.live() }, [live, connection])

  const role = useSignal(open.role)
  const mayWrite = role === 'owner' || role === 'editor'
  useEffect(() => {
    if (live && mayWrite) return line.attach()
  }, [live, mayWrite, line])

  // Another key than the one in use: the removal of a member is complete when a snapshot has the new one.
  const newestKey = useSignal(open.keyring.newest)
  useEffect(() => {
    if (live && mayWrite && open.activeKeyId !== undefined && open.activeKeyId !== open.keyring.newestId) {
      send({ type: 'ADD_CHANGES', data: [emptyChange] })
    }
  }, [live, mayWrite, newestKey, open, send])

  useEffect(() => {
    if (!live) return
    const presence = joinPresence(open.presence, awareness, sodium.to_base64(line.keyPair.publicKey))
    presence.announce()
    // A message is only taken from a session that has proved itself, so what was said before is said again.
    const greeted = new Set<string>()
    const { unsubscribe } = machine.subscribe(({ context }) => {
      const sessions = Object.keys(context._ephemeralMessagesSession?.validSessions ?? {})
      const strangers = sessions.filter((publicKey) => !greeted.has(publicKey))
      for (const publicKey of strangers) greeted.add(publicKey)
      if (strangers.length > 0) presence.announce()
    })
    const leave = () => presence.announce(true)
    const stopLeaving = beforeLeaving(leave)
    window.addEventListener('pagehide', leave)
    return () => {
      unsubscribe()
      stopLeaving()
      window.removeEventListener('pagehide', leave)
      presence.end()
    }
  }, [live, awareness, machine, line, open])

  return null
}
