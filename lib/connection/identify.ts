import type { FastifyRequest } from 'fastify'
import type { Access } from '../document/access.ts'
import { AccessCheckFailed, HandshakeInvalid, Unauthorized } from '../errors.ts'
import type { Context, Hooks } from '../hooks.ts'

const maxDocumentIdBytes = 1024

/** What a URL means. */
export interface Identity {
  documentId: string
  websocketSessionKey: string
}

export interface IdentifySettings {
  access: Access
  hooks: Hooks
  /** Whether there is such a document. Asked only if a URL has more than one reading. */
  isStored (documentId: string, request: FastifyRequest): Promise<boolean>
}

/**
 * Decides what a URL means: the first reading of the session key that has read access to a document, and of the readings of the document
 * id with access the first that is stored, or else the first. Nearly all URLs have one reading. Throws if there is no access.
 */
export async function identify (
  context: Context, sessionKeys: string[], readingsOf: (sessionKey: string) => [string, ...string[]], { access, hooks, isStored }: IdentifySettings
): Promise<Identity> {
  const { request } = context
  let failure: unknown = new HandshakeInvalid('no session key')
  let hasFailed = false
  for (const websocketSessionKey of sessionKeys) {
    const readings = readingsOf(websocketSessionKey)
    let chosen: string | undefined
    for (const documentId of readings) {
      try {
        assertStorable(documentId)
        await hooks.run('preHandler', { ...context, documentId, websocketSessionKey })
        if (!await canRead({ documentId, websocketSessionKey, request }, access)) throw new Unauthorized('read')
      } catch (error) {
        if (!hasFailed) failure = error
        hasFailed = true
        continue
      }
      chosen ??= documentId
      if (readings.length > 1 && await isStored(documentId, request)) {
        chosen = documentId
        break
      }
    }
    if (chosen !== undefined) return { documentId: chosen, websocketSessionKey }
  }
  throw failure
}

async function canRead ({ documentId, websocketSessionKey, request }: Identity & { request: FastifyRequest }, access: Access): Promise<boolean> {
  try {
    return await access.can({ action: 'read', documentId, websocketSessionKey, request })
  } catch (cause) {
    throw Object.assign(new AccessCheckFailed((cause as Error | undefined)?.message), { cause })
  }
}

/** PostgreSQL stores neither NUL nor half a surrogate pair, and indexes no endless text. */
function assertStorable (documentId: string): void {
  const bytes = Buffer.byteLength(documentId)
  if (bytes === 0) throw new HandshakeInvalid('no document id')
  if (bytes > maxDocumentIdBytes) throw new HandshakeInvalid(`the document id has ${bytes} bytes, the limit is ${maxDocumentIdBytes}`)
  if (!documentId.isWellFormed() || documentId.includes('\0')) throw new HandshakeInvalid('the document id contains NUL or a lone surrogate')
}
