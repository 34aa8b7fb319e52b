// Encrypted files of documents, in chunks. The server has their ciphertext; their keys are in the documents.
import createError from '@fastify/error'
import type { FastifyInstance } from 'fastify'
import type { Limits } from './limits.ts'
import type { PrismaClient } from './prisma-client/client.ts'

export const FileNotFound = createError('APP_FILE_NOT_FOUND', 'There is no such file', 404)
export const FileExists = createError('APP_FILE_EXISTS', 'This file is there already, and is never replaced', 409)
export const FileIncomplete = createError('APP_FILE_INCOMPLETE', 'Chunks of this file are missing', 409)
export const FileTooBig = createError('APP_FILE_TOO_BIG', 'The file is too big', 413)
export const TooManyFiles = createError('APP_TOO_MANY_FILES', 'This document has too many files', 409)
export const NotAnEditor = createError('APP_NOT_AN_EDITOR', 'Only the owner and editors of a document may do this', 403)

/** Bytes of one chunk, with what its encryption adds. */
export const maxChunkBytes = 256 * 1024
/** Of a document. */
const maxFiles = 1000
/** Milliseconds in which an upload has to be finished, and between two looks. */
const day = 24 * 3600 * 1000
const interval = 3600 * 1000

export interface FileOfDocument { documentId: string, fileId: string }

/** Where files are. Whoever wants them in an object store or on a disk writes another one; quotas count `app_file.bytes`. */
export interface Files {
  /**
   * Adds a chunk to a file that is being uploaded. `begin` is called before a new file is made, and throws if this person may make none now.
   * The same chunk again is no error. Throws `FileExists` for another one in its place, for a file that is finished and for one that somebody
   * else uploads.
   */
  put (file: FileOfDocument, memberId: string, number: number, data: Uint8Array<ArrayBuffer>, begin: () => void): Promise<void>
  /** From now on members can read it. Throws `FileIncomplete` if it has not exactly the chunks from 0 to `chunks - 1`. Again, it is no error. */
  finish (file: FileOfDocument, memberId: string, chunks: number): Promise<void>
  /** A chunk of a finished file. Undefined if there is none. */
  get (file: FileOfDocument, number: number): Promise<Uint8Array | undefined>
  /** Removes the files that were not finished within a day, and those of documents that were deleted for good. */
  removeUnfinished (): Promise<number>
}

export class PrismaFiles implements Files {
  readonly #prisma: PrismaClient
  readonly #maxBytes: number

  constructor (prisma: PrismaClient, { MAX_FILE_BYTES: maxBytes }: Pick<Limits, 'MAX_FILE_BYTES'>) {
    this.#prisma = prisma
    this.#maxBytes = maxBytes
  }

  async put ({ documentId, fileId }: FileOfDocument, memberId: string, number: number, data: Uint8Array<ArrayBuffer>, begin: () => void): Promise<void> {
    const where = { documentId_id: { documentId, id: fileId } }
    await this.#prisma.$transaction(async (transaction) => {
      // Until this is committed the membership stays: the deletion of the document waits, and removes the file, too.
      const [membership] = await transaction.$queryRaw<Array<{ role: string }>>`
        SELECT role::text FROM app_membership WHERE document_id = ${documentId} AND member_id = ${memberId} FOR SHARE`
      if (membership?.role !== 'owner' && membership?.role !== 'editor') throw new NotAnEditor()
      // One after the other, for the count and the bytes.
      await transaction.$queryRaw`SELECT id FROM app_document WHERE id = ${documentId} FOR NO KEY UPDATE`
      const file = await transaction.appFile.findUnique({ where })
      if (file === null) {
        if (await transaction.appFile.count({ where: { documentId } }) >= maxFiles) throw new TooManyFiles()
        begin()
      } else {
        const chunk = await transaction.appFileChunk.findUnique({ where: { documentId_fileId_number: { documentId, fileId, number } } })
        if (chunk !== null && Buffer.compare(chunk.data, data) === 0 && file.memberId === memberId) return
        if (chunk !== null || file.finishedAt !== null || file.memberId !== memberId) throw new FileExists()
      }
      if ((file?.bytes ?? 0) + data.length > this.#maxBytes) throw new FileTooBig()
      const bytes = data.length
      await transaction.appFile.upsert({ where, create: { documentId, id: fileId, memberId, bytes }, update: { bytes: { increment: bytes } } })
      await transaction.appFileChunk.create({ data: { documentId, fileId, number, data } })
    })
  }

  async finish ({ documentId, fileId }: FileOfDocument, memberId: string, chunks: number): Promise<void> {
    await this.#prisma.$transaction(async (transaction) => {
      // A chunk that is being stored is waited for.
      await transaction.$queryRaw`SELECT id FROM app_document WHERE id = ${documentId} FOR NO KEY UPDATE`
      const file = await transaction.appFile.findUnique({ where: { documentId_id: { documentId, id: fileId } } })
      if (file === null || file.memberId !== memberId) throw new FileNotFound()
      const { _count: count, _max: { number: last } } = await transaction.appFileChunk.aggregate({
        where: { documentId, fileId }, _count: true, _max: { number: true }
      })
      if (count !== chunks || last !== chunks - 1) throw new FileIncomplete()
      if (file.finishedAt === null) await transaction.appFile.update({ where: { documentId_id: { documentId, id: fileId } }, data: { finishedAt: new Date() } })
    })
  }

  async get ({ documentId, fileId }: FileOfDocument, number: number): Promise<Uint8Array | undefined> {
    const chunk = await this.#prisma.appFileChunk.findUnique({
      where: { documentId_fileId_number: { documentId, fileId, number }, file: { finishedAt: { not: null } } }, select: { data: true }
    })
    return chunk?.data
  }

  async removeUnfinished (): Promise<number> {
    const { count } = await this.#prisma.appFile.deleteMany({ where: { finishedAt: null, createdAt: { lt: new Date(Date.now() - day) } } })
    return count + await this.#prisma.$executeRaw`
      DELETE FROM app_file USING secsync_deletion deletion WHERE deletion.document_id = app_file.document_id AND deletion.restorable_until <= now()`
  }
}

export function removeUnfinishedFiles (app: FastifyInstance): { stop (): void } {
  const timer = setInterval(() => {
    app.files.removeUnfinished().catch((err: unknown) => app.log.warn({ err }, 'Files that were not finished could not be removed'))
  }, interval).unref()
  return { stop: () => clearInterval(timer) }
}

declare module 'fastify' {
  interface FastifyInstance { files: Files }
}
