import sodium from 'libsodium-wrappers'
import { createInitialSnapshot, createUpdate, generateId, serializeUint8ArrayUpdates } from 'secsync'
import * as Y from 'yjs'
import { Client } from '../load/client.ts'
import { write, writeSnapshot } from '../load/write.ts'
import { fragmentName, key, textName } from './client.ts'

await sodium.ready

/** Writes a document, one character per update, as both clients read it. The messages are those of the published client. */
export class Typist {
  readonly #documentId: string
  readonly #client: Client
  readonly #keyPair = sodium.crypto_sign_keypair()
  readonly #pubKey = sodium.to_base64(this.#keyPair.publicKey)
  readonly #snapshotId = generateId(sodium)
  readonly #yDoc = new Y.Doc()
  #text = this.#yDoc.getText(textName)
  #clock = 0

  private constructor (client: Client, documentId: string) {
    this.#client = client
    this.#documentId = documentId
  }

  /** The snapshot has one character: in a text, or in the paragraph of an editor. */
  static async open (url: string, documentId: string, { hasEditor = false } = {}): Promise<Typist> {
    const typist = new Typist(await Client.open(url, documentId), documentId)
    if (hasEditor) {
      const paragraph = new Y.XmlElement('paragraph')
      paragraph.insert(0, [typist.#text = new Y.XmlText()])
      typist.#yDoc.getXmlFragment(fragmentName).insert(0, [paragraph])
    }
    typist.#text.insert(0, '.')
    await writeSnapshot(typist.#client, JSON.stringify(createInitialSnapshot(Y.encodeStateAsUpdateV2(typist.#yDoc), {
      docId: documentId,
      pubKey: typist.#pubKey,
      snapshotId: typist.#snapshotId,
      parentSnapshotId: '',
      parentSnapshotUpdateClocks: {}
    }, key, typist.#keyPair, sodium)))
    return typist
  }

  /** Updates of one character each, signed in advance. */
  type (count: number): string[] {
    const text = this.#text
    const changes: Uint8Array[] = []
    const listener = (change: Uint8Array): void => { changes.push(change) }
    this.#yDoc.on('updateV2', listener)
    for (let index = 0; index < count; index++) text.insert(text.length, 'x')
    this.#yDoc.off('updateV2', listener)
    const publicData = { docId: this.#documentId, pubKey: this.#pubKey, refSnapshotId: this.#snapshotId }
    return changes.map((change) => JSON.stringify(
      createUpdate(serializeUint8ArrayUpdates([change], sodium), publicData, key, this.#keyPair, this.#clock++, sodium)))
  }

  /** Saves the first updates of the document. */
  async save (updates: string[]): Promise<void> {
    await write({ client: this.#client, updates, window: 64, deadline: Infinity, sentAt: new Float64Array(updates.length), onConfirmed: () => {} })
  }

  /** One after the other, with a pause of some milliseconds after each ten. */
  async sendSlowly (updates: string[], pause: number): Promise<void> {
    for (const [index, update] of updates.entries()) {
      this.#client.send(update)
      if (index % 10 === 9) await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }

  async close (): Promise<void> {
    await this.#client.close()
  }
}
