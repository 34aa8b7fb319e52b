// The published client as `secsync-react-yjs` uses it, without React.
import sodium from 'libsodium-wrappers'
import { createSyncMachine, deserializeUint8ArrayUpdates, serializeUint8ArrayUpdates } from 'secsync'
import { createActor } from 'xstate'
import * as Y from 'yjs'
import { key, type OpenClient } from './client.ts'

await sodium.ready

export function open (url: string, documentId: string): OpenClient {
  const yDoc = new Y.Doc()
  const actor = createActor(createSyncMachine(), {
    input: {
      documentId,
      websocketEndpoint: url,
      websocketSessionKey: 'session',
      signatureKeyPair: sodium.crypto_sign_keypair(),
      sodium,
      logging: 'off',
      getSnapshotKey: async () => key,
      getNewSnapshotData: async () => ({ data: Y.encodeStateAsUpdateV2(yDoc), key, publicData: {} }),
      applySnapshot: (snapshot) => Y.applyUpdateV2(yDoc, snapshot, 'remote'),
      applyChanges: (changes) => { for (const change of changes as Uint8Array[]) Y.applyUpdateV2(yDoc, change, 'remote') },
      serializeChanges: (changes) => serializeUint8ArrayUpdates(changes as Uint8Array[], sodium),
      deserializeChanges: (serialized) => deserializeUint8ArrayUpdates(serialized, sodium),
      shouldSendSnapshot: () => false,
      isValidClient: async () => true,
      applyEphemeralMessage: () => {}
    }
  })
  yDoc.on('updateV2', (update: Uint8Array, origin: unknown) => {
    if (origin !== 'remote') actor.send({ type: 'ADD_CHANGES', data: [update] })
  })
  actor.start()
  return {
    yDoc,
    end: () => {
      actor.send({ type: 'DISCONNECT' })
      actor.stop()
    }
  }
}
