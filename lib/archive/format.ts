import { signedJson } from '../protocol/changes.ts'
import { Clock, UpdateClocks } from '../protocol/clocks.ts'
import { StoredSnapshot, StoredUpdate } from '../protocol/messages.ts'
import { Type, TypeCompiler, type Static } from '../protocol/typebox.ts'
import type { DocumentRow, SnapshotRow, UpdateRow } from '../stores/rows.ts'

// The lines of an archive: docs/archive.md. Each is JSON, and ends with "\n".

export const formatName = 'fastify-secsync-archive'
export const formatVersion = 1

const strict = { additionalProperties: false }
const Version = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })
/** Milliseconds since 1970. */
const Time = Type.Number({ minimum: -8.64e15, maximum: 8.64e15 })

/** The first line. An archive of a later version has another number, and maybe other lines. */
export const Header = Type.Object({ format: Type.Literal(formatName), version: Type.Integer(), createdAt: Type.String() })

export const Line = Type.Union([
  Type.Object({
    type: Type.Literal('document'), id: Type.String({ minLength: 1 }), activeSnapshotId: Type.String(), clocks: UpdateClocks, version: Version, createdAt: Time
  }, strict),
  Type.Object({ type: Type.Literal('snapshot'), version: Version, createdAt: Time, pruned: Type.Boolean(), message: StoredSnapshot }, strict),
  // A snapshot whose message was removed by retention.
  Type.Object({
    type: Type.Literal('proof'),
    version: Version,
    createdAt: Time,
    snapshotId: Type.String(),
    parentSnapshotProof: Type.String(),
    ciphertextHash: Type.String(),
    signature: Type.Union([Type.String(), Type.Null()]),
    author: Type.Union([Type.String(), Type.Null()]),
    bytes: Type.Union([Clock, Type.Null()])
  }, strict),
  Type.Object({ type: Type.Literal('update'), version: Version, createdAt: Time, message: StoredUpdate }, strict),
  Type.Object({ type: Type.Literal('document-end'), snapshots: Clock, updates: Clock, sha256: Type.String() }, strict),
  Type.Object({ type: Type.Literal('archive-end'), documents: Clock, sha256: Type.String() }, strict)
])
export type Line = Static<typeof Line>

export const headerCheck = TypeCompiler.Compile(Header)
export const lineCheck = TypeCompiler.Compile(Line)

export function documentLine ({ id, activeSnapshotId, clocks, version, createdAt }: DocumentRow): string {
  return `{"type":"document","id":${JSON.stringify(id)},"activeSnapshotId":${JSON.stringify(activeSnapshotId)},"clocks":${clocks},"version":${version},"createdAt":${createdAt}}`
}

/** Messages are written as they are stored: their authors have signed them. */
export function snapshotLine (row: SnapshotRow): string {
  const { version, createdAt, data } = row
  if (data !== null) return `{"type":"snapshot","version":${version},"createdAt":${createdAt},"pruned":${row.isPruned},"message":${data}}`
  const { id: snapshotId, parentSnapshotProof, ciphertextHash, signature, author, bytes } = row
  return JSON.stringify({ type: 'proof', version, createdAt, snapshotId, parentSnapshotProof, ciphertextHash, signature, author, bytes })
}

export function updateLine ({ version, createdAt, data }: UpdateRow): string {
  return `{"type":"update","version":${version},"createdAt":${createdAt},"message":${data}}`
}

/** The text of a message in a line, as it was stored. `undefined` if it is not written as JSON.stringify writes it. */
export function messageText (line: string, message: Parameters<typeof signedJson>[0]): string | undefined {
  const text = signedJson(message)
  return line.endsWith(`"message":${text}}`) ? text : undefined
}
