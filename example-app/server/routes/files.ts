import createError from '@fastify/error'
import { Type, type FastifyPluginAsyncTypebox, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { onlyMembers } from '../access.ts'
import { FileNotFound, maxChunkBytes, NotAnEditor } from '../files.ts'
import { StorageFull } from '../quota.ts'
import { SessionUnknown } from '../sessions.ts'
import { ChunkParams, FileParams } from './schemas.ts'

const NoBytes = createError('APP_NO_BYTES', 'A chunk has at least one byte', 400)

async function onlyEditors (request: FastifyRequest, reply: FastifyReply): Promise<void> {
  await onlyMembers(request, reply)
  if (request.role === 'viewer') throw new NotAnEditor()
}

/** Encrypted files of a document: ciphertext in chunks. A file is read when all of its chunks are there, and never changes after that. */
const files: FastifyPluginAsyncTypebox = async (app) => {
  app.get('/documents/:id/files/:fileId/chunks/:number', { preHandler: onlyMembers, schema: { params: ChunkParams } }, async ({ params: { id, fileId, number } }, reply) => {
    const chunk = await app.files.get({ documentId: id, fileId }, Number(number))
    if (chunk === undefined) throw new FileNotFound()
    // The page keeps files itself, bounded, and until their document leaves the device. A copy in the browser's cache would stay behind.
    return await reply.type('application/octet-stream').header('cache-control', 'no-store').send(chunk)
  })

  app.put('/documents/:id/files/:fileId', {
    preHandler: onlyEditors,
    schema: { params: FileParams, body: Type.Object({ chunks: Type.Integer({ minimum: 1, maximum: 1_000_000 }) }), response: { 204: Type.Null() } }
  }, async ({ params: { id, fileId }, body: { chunks }, member }, reply) => {
    if (member === null) throw new SessionUnknown()
    await app.files.finish({ documentId: id, fileId }, member.id, chunks)
    return await reply.code(204).send(null)
  })

  await app.register(async (octets) => {
    octets.removeAllContentTypeParsers()
    octets.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    octets.withTypeProvider<TypeBoxTypeProvider>().put('/documents/:id/files/:fileId/chunks/:number', {
      preHandler: onlyEditors,
      bodyLimit: maxChunkBytes,
      schema: { params: ChunkParams, response: { 204: Type.Null() } }
    }, async (request, reply) => {
      const { member, body, params: { id, fileId, number } } = request
      if (member === null) throw new SessionUnknown()
      if (!(body instanceof Uint8Array) || body.length === 0) throw new NoBytes()
      if (!await app.quota.mayStore(id, body.length, request)) throw new StorageFull()
      await app.files.put({ documentId: id, fileId }, member.id, Number(number), new Uint8Array(body), () => app.rates.creation(member.id))
      return await reply.code(204).send(null)
    })
  })
}

export default files
