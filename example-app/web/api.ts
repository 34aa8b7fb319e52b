export type Role = 'owner' | 'editor' | 'viewer'

export function mayWrite (role: Role | undefined): boolean {
  return role === 'owner' || role === 'editor'
}

export interface Member {
  memberId: string
  name: string
  role: Role
  /** With which this member's pages sign what they send. */
  publicKeys: string[]
}

export interface Membership {
  role: Role
  access: 'link' | 'invited'
  /** How often the document was handed over to another owner. */
  handovers: number
  members: Member[]
}

/** The server answered, and the answer is no. */
export class Refused extends Error {
  readonly status: number

  constructor (status: number) {
    super(`The server answered ${status}`)
    this.status = status
  }
}

/** There was no answer at all: no network, or no server. */
export class Unreachable extends Error {}

/** The session key travels in a header and not in a cookie, so that no other site can make a browser send it. */
export async function request<T> (method: string, path: string, sessionKey?: string, body?: unknown): Promise<T> {
  const response = await ask(method, path, sessionKey, body === undefined ? undefined : { type: 'application/json', content: JSON.stringify(body) })
  const text = await response.text()
  return (text === '' ? undefined : JSON.parse(text)) as T
}

/** Bytes, and at most so many: what sends more is not believed. */
export async function readBytes (path: string, sessionKey: string, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const { body } = await ask('GET', path, sessionKey)
  const bytes = new Uint8Array(most)
  let length = 0
  const reader = body?.getReader()
  const next = async () => (await reader?.read().catch(() => { throw new Unreachable() }))?.value
  for (let part = await next(); part !== undefined; part = await next()) {
    if (length + part.length > most) {
      await reader?.cancel()
      throw new Refused(413)
    }
    bytes.set(part, length)
    length += part.length
  }
  return bytes.slice(0, length)
}

export async function writeBytes (path: string, sessionKey: string, content: Uint8Array<ArrayBuffer>): Promise<void> {
  await ask('PUT', path, sessionKey, { type: 'application/octet-stream', content })
}

async function ask (method: string, path: string, sessionKey?: string, body?: { type: string, content: BodyInit }): Promise<Response> {
  const headers: Record<string, string> = {}
  if (sessionKey !== undefined) headers.authorization = `Bearer ${sessionKey}`
  if (body !== undefined) headers['content-type'] = body.type
  let response: Response
  try {
    response = await fetch(path, { method, headers, body: body?.content ?? null, cache: 'no-store' })
  } catch {
    throw new Unreachable()
  }
  if (!response.ok) throw new Refused(response.status)
  return response
}

export function documentPath (id: string, ...rest: string[]): string {
  return ['/api/documents', id, ...rest].map((part, index) => index === 0 ? part : encodeURIComponent(part)).join('/')
}
