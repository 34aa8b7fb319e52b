import createError from '@fastify/error'
import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { maxMembers, NoSuchMember, onlyMembers, onlyOwner } from '../access.ts'
import { StorageFull } from '../quota.ts'
import { SessionUnknown } from '../sessions.ts'
import { Box, BoxFor, Bytes32, DocumentParams, MemberParams } from './schemas.ts'

const KeyExists = createError('APP_KEY_EXISTS', 'This key was handed out already', 409)

const Device = Type.Object({ memberId: Type.String(), publicKey: Type.String(), voucher: Type.String() })
const Key = Type.Object({ keyId: Type.String(), box: Type.Optional(Type.String()) })
const Handover = Type.Object({ number: Type.Integer(), box: Type.String() })

/**
 * How a new document key reaches the members who stay when one is removed: the owner's client seals it for the device of each, and this
 * is where the boxes wait. The server sees public keys and sealed boxes, and cannot open one.
 */
const keys: FastifyPluginAsyncTypebox = async (app) => {
  app.get('/documents/:id/keys', {
    preHandler: onlyMembers,
    schema: {
      params: DocumentParams,
      response: { 200: Type.Object({ devices: Type.Array(Device), rotations: Type.Array(Key), handovers: Type.Array(Handover) }) }
    }
  }, async ({ params: { id }, member }) => {
    if (member === null) throw new SessionUnknown()
    const [devices, rotations, handovers] = await Promise.all([
      app.prisma.appDevice.findMany({ where: { documentId: id, membership: { role: { not: 'removed' } } }, select: { memberId: true, publicKey: true, voucher: true } }),
      app.prisma.appKey.findMany({
        where: { documentId: id },
        orderBy: { number: 'asc' },
        select: { keyId: true, boxes: { where: { memberId: member.id }, select: { box: true } } }
      }),
      app.prisma.appHandover.findMany({ where: { documentId: id, memberId: member.id }, orderBy: { number: 'asc' }, select: { number: true, box: true } })
    ])
    return { devices, handovers, rotations: rotations.map(({ keyId, boxes: [sealed] }) => sealed === undefined ? { keyId } : { keyId, box: sealed.box }) }
  })

  app.put('/documents/:id/keys/device', {
    preHandler: onlyMembers,
    schema: { params: DocumentParams, body: Type.Object({ publicKey: Bytes32, voucher: Bytes32 }), response: { 204: Type.Null() } }
  }, async ({ params: { id }, body: { publicKey, voucher }, member }, reply) => {
    if (member === null) throw new SessionUnknown()
    const their = { documentId: id, memberId: member.id }
    await app.prisma.appDevice.upsert({
      where: { documentId_memberId: their }, create: { ...their, publicKey, voucher }, update: { publicKey, voucher }
    })
    return await reply.code(204).send(null)
  })

  app.post('/documents/:id/keys', {
    preHandler: onlyOwner,
    // A box for each member.
    bodyLimit: 512 * 1024,
    schema: {
      params: DocumentParams,
      body: Type.Object({ keyId: Box, boxes: Type.Array(BoxFor, { maxItems: maxMembers }) }),
      response: { 204: Type.Null() }
    }
  }, async ({ params: { id }, body: { keyId, boxes }, member }, reply) => {
    if (member === null) throw new SessionUnknown()
    app.rates.creation(member.id)
    if (!await app.quota.hasRoom(id, boxes.reduce((sum, { box }) => sum + box.length, 0))) throw new StorageFull()
    // All or nothing: a key without its boxes would lock everybody out. There are boxes for members and for nobody else.
    await app.prisma.$transaction(async (transaction) => {
      await app.members.checkOwner(transaction, member.id, id)
      const { count } = await transaction.appKey.createMany({ data: { documentId: id, keyId }, skipDuplicates: true })
      if (count === 0) throw new KeyExists()
      const members = await transaction.appMembership.findMany({
        where: { documentId: id, role: { not: 'removed' }, memberId: { in: boxes.map(({ memberId }) => memberId) } }, select: { memberId: true }
      })
      const ids = new Set(members.map(({ memberId }) => memberId))
      const data = boxes.filter(({ memberId }) => ids.has(memberId)).map(({ memberId, box }) => ({ documentId: id, keyId, memberId, box }))
      await transaction.appKeyBox.createMany({ data, skipDuplicates: true })
    })
    return await reply.code(204).send(null)
  })

  /** For a member whose device the owner did not trust when these keys were made. */
  app.post('/documents/:id/members/:memberId/boxes', {
    preHandler: onlyOwner,
    schema: {
      params: MemberParams,
      body: Type.Object({ boxes: Type.Array(Type.Object({ keyId: Box, box: Box }), { maxItems: 500 }) }),
      response: { 204: Type.Null() }
    }
  }, async ({ params: { id, memberId }, body: { boxes }, member }, reply) => {
    if (member === null) throw new SessionUnknown()
    app.rates.creation(member.id)
    if (!await app.quota.hasRoom(id, boxes.reduce((sum, { box }) => sum + box.length, 0))) throw new StorageFull()
    await app.prisma.$transaction(async (transaction) => {
      const isMember = { documentId: id, memberId, role: { not: 'removed' as const } }
      if (await transaction.appMembership.count({ where: isMember }) === 0) throw new NoSuchMember()
      const keyIds = boxes.map(({ keyId }) => keyId)
      const known = await transaction.appKey.findMany({ where: { documentId: id, keyId: { in: keyIds } }, select: { keyId: true } })
      const data = boxes.filter(({ keyId }) => known.some((key) => key.keyId === keyId)).map(({ keyId, box }) => ({ documentId: id, keyId, memberId, box }))
      await transaction.appKeyBox.deleteMany({ where: { documentId: id, memberId, keyId: { in: keyIds } } })
      await transaction.appKeyBox.createMany({ data, skipDuplicates: true })
    })
    return await reply.code(204).send(null)
  })
}

export default keys
