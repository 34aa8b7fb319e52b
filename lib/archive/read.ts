import { createHash, type Hash } from 'node:crypto'
import { hash } from '../protocol/proof.ts'
import type { Section, SnapshotRow, UpdateRow } from '../stores/rows.ts'
import { isAside } from '../verify/updates.ts'
import { formatVersion, headerCheck, lineCheck, messageText, type Line } from './format.ts'
import { addLine, Lines, type TextLine } from './lines.ts'

/** Rows that are handed on at once, and the bytes of their messages. One message may exceed it. */
const maxRows = 500
const maxBytes = 1024 * 1024

/**
 * Reads an archive, line by line. Checks its form and its checksums, and nothing of what the messages say. A part that is damaged is said with its
 * line, and reading goes on with the next document.
 */
export async function * readArchive (source: AsyncIterable<Buffer>): AsyncGenerator<Section> {
  const lines = new Lines(source)
  const whole = createHash('sha256')
  let section: ArchivedDocument | undefined
  let documents = 0
  let isSkipping = false
  let number = 0
  let hasEnded = false
  try {
    for await (const line of lines) {
      number = line.number
      if (number === 1) {
        const fault = faultOfHeader(line.text)
        if (fault !== undefined) {
          yield { kind: 'broken', documentId: undefined, reason: fault }
          return
        }
        addLine(whole, line)
        continue
      }
      const parsed = parse(line.text)
      const isStart = typeof parsed !== 'string' && parsed.type === 'document'
      if (isSkipping && !isStart && !(typeof parsed !== 'string' && parsed.type === 'archive-end')) continue
      isSkipping = false
      const fault = hasEnded
        ? 'something follows the end of the archive'
        : typeof parsed === 'string' ? parsed : section === undefined ? faultOutside(parsed) : section.fault(parsed, line)
      if (fault !== undefined) {
        yield * section?.rest() ?? []
        yield { kind: 'broken', documentId: section?.id, reason: `line ${number}: ${fault}` }
        section = undefined
        isSkipping = true
        if (!isStart) continue
        isSkipping = false
      }
      if (typeof parsed === 'string') continue
      switch (parsed.type) {
        case 'document':
          section = new ArchivedDocument(parsed, line)
          yield section.start
          break
        case 'document-end':
          yield * section?.rest() ?? []
          yield { kind: 'end' }
          section = undefined
          documents++
          addLine(whole, line)
          break
        case 'archive-end':
          hasEnded = true
          if (parsed.documents !== documents || parsed.sha256 !== whole.digest('hex')) {
            yield { kind: 'broken', documentId: undefined, reason: `line ${number}: the documents are not those that were written (${documents} of ${parsed.documents} are whole)` }
          }
          break
        default:
          yield * section?.add(parsed, line) ?? []
      }
    }
  } catch (error) {
    yield { kind: 'broken', documentId: section?.id, reason: `after line ${number}: ${(error as Error).message}` }
    return
  }
  if (!hasEnded) yield { kind: 'broken', documentId: section?.id, reason: `the archive ends at line ${number}, and is not complete` }
}

function faultOfHeader (text: string): string | undefined {
  const header: unknown = json(text)
  if (!headerCheck.Check(header)) return 'line 1: this is not an archive of fastify-secsync'
  if (header.version !== formatVersion) {
    return `line 1: the archive has version ${header.version} of the format, and this version of fastify-secsync reads version ${formatVersion}`
  }
  return undefined
}

/** What is wrong with a line, or the line. */
function parse (text: string): Line | string {
  const line: unknown = json(text)
  if (line === undefined) return 'not JSON'
  if (lineCheck.Check(line)) return line
  const { type } = line as { type?: unknown }
  return `not a line of the format (type ${JSON.stringify(type)})`
}

function json (text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function faultOutside ({ type }: Line): string | undefined {
  return type === 'document' || type === 'archive-end' ? undefined : `a line of type ${type} belongs to a document`
}

/** A document whose lines are being read. */
class ArchivedDocument {
  readonly id: string
  readonly start: Section
  readonly #hash: Hash = createHash('sha256')
  readonly #snapshots = new Set<string>()
  readonly #updated = new Set<string>()
  #updating = ''
  #lastVersion = 0
  #counts = { snapshots: 0, updates: 0 }
  #page: { kind: 'snapshots', rows: SnapshotRow[] } | { kind: 'updates', rows: UpdateRow[] } = { kind: 'snapshots', rows: [] }
  #pageBytes = 0

  constructor ({ id, activeSnapshotId, clocks, version, createdAt }: Line & { type: 'document' }, line: TextLine) {
    this.id = id
    this.start = { kind: 'document', document: { id, activeSnapshotId, clocks: JSON.stringify(clocks), version, createdAt } }
    addLine(this.#hash, line)
  }

  /** What is wrong with a line that follows. */
  fault (parsed: Line, line: TextLine): string | undefined {
    switch (parsed.type) {
      case 'document':
      case 'archive-end':
        return `the document ends without its checksum: here begins a ${parsed.type}`
      case 'snapshot':
      case 'proof': {
        const id = parsed.type === 'proof' ? parsed.snapshotId : parsed.message.publicData.snapshotId
        if (parsed.type === 'snapshot' && messageText(line.text, parsed.message) === undefined) return 'the message is not written as it was signed'
        if (this.#counts.updates > 0) return `snapshot ${id} comes after updates`
        if (isAside(id)) return `snapshot ${id} was put aside`
        if (parsed.version <= this.#lastVersion) return `snapshot ${id} with version ${parsed.version} comes after version ${this.#lastVersion}`
        return this.#snapshots.has(id) ? `snapshot ${id} comes twice` : undefined
      }
      case 'update': {
        const { refSnapshotId } = parsed.message.publicData
        if (messageText(line.text, parsed.message) === undefined) return 'the message is not written as it was signed'
        if (!this.#snapshots.has(refSnapshotId)) return `there is no snapshot ${refSnapshotId} for the update`
        return refSnapshotId !== this.#updating && this.#updated.has(refSnapshotId) ? `the updates of snapshot ${refSnapshotId} are not together` : undefined
      }
      case 'document-end': {
        const { snapshots, updates, sha256 } = parsed
        if (snapshots !== this.#counts.snapshots || updates !== this.#counts.updates) {
          return `${this.#counts.snapshots} snapshots and ${this.#counts.updates} updates are there, of ${snapshots} and ${updates}`
        }
        return sha256 === this.#hash.copy().digest('hex') ? undefined : 'the checksum of the document is wrong: some of its lines were changed'
      }
    }
  }

  * add (parsed: Line, line: TextLine): Generator<Section> {
    addLine(this.#hash, line)
    this.#pageBytes += line.bytes.length
    if (parsed.type === 'update') {
      const { version, createdAt, message: { publicData: { refSnapshotId, pubKey, clock } } } = parsed
      this.#updating = refSnapshotId
      this.#updated.add(refSnapshotId)
      this.#counts.updates++
      const row = { documentId: this.id, snapshotId: refSnapshotId, author: pubKey, clock, version, createdAt, data: messageText(line.text, parsed.message) ?? '' }
      if (this.#page.kind === 'snapshots') {
        yield * this.rest()
        this.#page = { kind: 'updates', rows: [] }
      }
      if (this.#page.kind === 'updates') this.#page.rows.push(row)
    } else if (parsed.type === 'snapshot' || parsed.type === 'proof') {
      const row = parsed.type === 'snapshot' ? this.#snapshotRow(parsed, line) : this.#prunedRow(parsed)
      this.#snapshots.add(row.id)
      this.#lastVersion = row.version
      this.#counts.snapshots++
      if (this.#page.kind === 'snapshots') this.#page.rows.push(row)
    }
    if (this.#page.rows.length >= maxRows || this.#pageBytes >= maxBytes) yield * this.rest()
  }

  #snapshotRow ({ version, createdAt, pruned, message }: Line & { type: 'snapshot' }, line: TextLine): SnapshotRow {
    const { snapshotId, parentSnapshotProof, pubKey } = message.publicData
    const data = messageText(line.text, message) ?? ''
    return {
      documentId: this.id,
      id: snapshotId,
      version,
      parentSnapshotProof,
      ciphertextHash: hash(message.ciphertext),
      createdAt,
      data,
      signature: message.signature,
      author: pubKey,
      bytes: Buffer.byteLength(data),
      isPruned: pruned
    }
  }

  #prunedRow ({ version, createdAt, snapshotId, parentSnapshotProof, ciphertextHash, signature, author, bytes }: Line & { type: 'proof' }): SnapshotRow {
    return {
      documentId: this.id, id: snapshotId, version, parentSnapshotProof, ciphertextHash, createdAt, data: null, signature, author, bytes, isPruned: true
    }
  }

  /** The rows that were not handed on yet. */
  * rest (): Generator<Section> {
    const page = this.#page
    if (page.rows.length === 0) return
    this.#pageBytes = 0
    if (page.kind === 'snapshots') {
      this.#page = { kind: 'snapshots', rows: [] }
      yield { kind: 'snapshots', snapshots: page.rows }
    } else {
      this.#page = { kind: 'updates', rows: [] }
      yield { kind: 'updates', updates: page.rows }
    }
  }
}
