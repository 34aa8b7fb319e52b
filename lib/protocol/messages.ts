import { Type, TypeCompiler, type Static, type TObject } from './typebox.ts'
import { Base64 } from './base64.ts'
import { Clock, UpdateClocks } from './clocks.ts'

/** Clients use 24 random bytes. The length is limited to 128 characters to bound stored ids. */
const SnapshotId = Type.String({ pattern: '^[A-Za-z0-9_-]{1,128}$' })
const snapshotIdCheck = TypeCompiler.Compile(SnapshotId)

export function isSnapshotId (text: string): boolean {
  return snapshotIdCheck.Check(text)
}

const PublicKey = Base64(32)
const publicKeyCheck = TypeCompiler.Compile(PublicKey)

export function isPublicKey (value: unknown): value is string {
  return publicKeyCheck.Check(value)
}

const Hash = Base64(32)

const publicData = {
  docId: Type.String(),
  /** The author's Ed25519 key. */
  pubKey: PublicKey
}

export const SnapshotPublicData = Type.Object({
  ...publicData,
  snapshotId: SnapshotId,
  /** Empty for the initial snapshot. */
  parentSnapshotId: Type.Union([SnapshotId, Type.Literal('')]),
  parentSnapshotProof: Hash,
  /** The clocks of the parent snapshot that the author knew. */
  parentSnapshotUpdateClocks: UpdateClocks
}, { additionalProperties: false })

export const UpdatePublicData = Type.Object({
  ...publicData,
  refSnapshotId: SnapshotId,
  clock: Clock
}, { additionalProperties: false })

export const EphemeralMessagePublicData = Type.Object(publicData, { additionalProperties: false })

function Signed<T extends TObject> (publicData: T) {
  return Type.Object({
    ciphertext: Base64(),
    nonce: Base64(24),
    publicData,
    /** Ed25519, over ciphertext, nonce and public data: signature.ts */
    signature: Base64(64)
  })
}

export const Snapshot = Signed(SnapshotPublicData)
export const Update = Signed(UpdatePublicData)
export const EphemeralMessage = Signed(EphemeralMessagePublicData)

/** TypeBox schemas for an application's additional public data. */
export interface AdditionalAuthenticationDataValidations {
  snapshot?: TObject | undefined
  update?: TObject | undefined
  ephemeralMessage?: TObject | undefined
}

/** No additional public data. */
export type NoValidations = {}

/** A message with the additional public data of its schema. */
type WithPublicData<Message, Schema> = Schema extends TObject ? Message & { publicData: Static<Schema> } : Message

/** A snapshot. `A` are the schemas of additional public data. */
export type Snapshot<A extends AdditionalAuthenticationDataValidations = NoValidations> =
  WithPublicData<Static<typeof Snapshot>, A extends { snapshot: infer Schema } ? Schema : undefined>
export type Update<A extends AdditionalAuthenticationDataValidations = NoValidations> =
  WithPublicData<Static<typeof Update>, A extends { update: infer Schema } ? Schema : undefined>
export type EphemeralMessage<A extends AdditionalAuthenticationDataValidations = NoValidations> =
  WithPublicData<Static<typeof EphemeralMessage>, A extends { ephemeralMessage: infer Schema } ? Schema : undefined>
/** A snapshot as its author sends it. `additionalServerData` is for the server only. It is neither signed nor relayed. */
export type SnapshotMessage<A extends AdditionalAuthenticationDataValidations = NoValidations> = Snapshot<A> & { additionalServerData?: unknown }
export type ClientMessage<A extends AdditionalAuthenticationDataValidations = NoValidations> = SnapshotMessage<A> | Update<A> | EphemeralMessage<A>

/** Schemas for messages from stores and other nodes. Public data may have additional properties. */
export const StoredSnapshot = Signed(Type.Object(SnapshotPublicData.properties))
export const StoredUpdate = Signed(Type.Object(UpdatePublicData.properties))
export const StoredEphemeralMessage = Signed(Type.Object(EphemeralMessagePublicData.properties))

export interface MessageChecks {
  snapshot (message: unknown): message is SnapshotMessage
  update (message: unknown): message is Update
  ephemeralMessage (message: unknown): message is EphemeralMessage
}

type Compiler = Pick<typeof TypeCompiler, 'Compile'>

/** The compiler for an application's schemas: that of the package, which has the formats and types that the application registered. */
export async function compilerFor (additional: AdditionalAuthenticationDataValidations | undefined): Promise<Compiler> {
  return additional === undefined ? TypeCompiler : (await import('@sinclair/typebox/compiler')).TypeCompiler
}

/** Compiles the checks of the three messages. Public data without a schema is refused, because other clients would fail on it. */
export function compileChecks (additional: AdditionalAuthenticationDataValidations = {}, compiler: Compiler = TypeCompiler): MessageChecks {
  return {
    snapshot: compile(SnapshotPublicData, additional.snapshot, compiler),
    update: compile(UpdatePublicData, additional.update, compiler),
    ephemeralMessage: compile(EphemeralMessagePublicData, additional.ephemeralMessage, compiler)
  }
}

function compile<T extends ClientMessage> (publicData: TObject, additional: TObject | undefined, compiler: Compiler) {
  // An application's schema cannot override the protocol's properties.
  const properties = Object.entries(additional?.properties ?? {}).filter(([name]) => !Object.hasOwn(publicData.properties, name))
  const names = Object.fromEntries(properties.map(([name]) => [name, Type.Optional(Type.Unknown())]))
  const check = TypeCompiler.Compile(Signed(Type.Object({ ...publicData.properties, ...names }, { additionalProperties: false })))
  if (properties.length === 0) return (message: unknown): message is T => check.Check(message)
  const additionalCheck = compiler.Compile(Type.Object(Object.fromEntries(properties)))
  return (message: unknown): message is T => check.Check(message) && additionalCheck.Check(message.publicData)
}

export type MessageKind = keyof MessageChecks

/** Messages have no type. Their public data determines the kind (section "Messages from a client" of the spec). */
export function kindOf (message: unknown): MessageKind {
  const publicData = (message as { publicData?: unknown } | null)?.publicData as Record<string, unknown> | null | undefined
  if (publicData?.snapshotId !== undefined) return 'snapshot'
  return publicData?.refSnapshotId !== undefined ? 'update' : 'ephemeralMessage'
}
