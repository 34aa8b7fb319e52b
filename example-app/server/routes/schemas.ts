import { Type } from '@sinclair/typebox'

// What the client can be given for an id goes for its document: any text that PostgreSQL can store.
const Id = Type.String({ minLength: 1, maxLength: 1024, pattern: '^[^\\0]+$' })

export const DocumentParams = Type.Object({ id: Id })
export const MemberParams = Type.Object({ id: Id, memberId: Id })
/** In base64. */
export const Bytes32 = Type.String({ pattern: '^[\\w-]{43}$' })
/** In base64. What the page seals has some 250 to 350 characters. */
export const Box = Type.String({ minLength: 1, maxLength: 512, pattern: '^[\\w-]+$' })
/** What is sealed for one member. */
export const BoxFor = Type.Object({ memberId: Id, box: Box })
/** An Ed25519 public key: 32 bytes in base64. */
export const AuthorParams = Type.Object({ id: Id, publicKey: Bytes32 })
/** The id of a file is 32 random bytes in base64. */
export const FileParams = Type.Object({ id: Id, fileId: Bytes32 })
export const ChunkParams = Type.Object({ ...FileParams.properties, number: Type.String({ pattern: '^(0|[1-9][0-9]{0,5})$' }) })
export const SessionParams = Type.Object({ sessionId: Id })
export const InvitationParams = Type.Object({ id: Id, invitationId: Id })
export const TransferParams = Type.Object({ transferId: Bytes32 })
export const TokenParams = Type.Object({ token: Id })

/** What an owner can make of others. */
export const GivenRole = Type.Union([Type.Literal('editor'), Type.Literal('viewer')])
export const RoleSchema = Type.Union([Type.Literal('owner'), GivenRole])
