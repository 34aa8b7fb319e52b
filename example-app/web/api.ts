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
  const headers: Record<string, string> = {}
  if (sessionKey !== undefined) headers.authorization = `Bearer ${sessionKey}`
  if (body !== undefined) headers['content-type'] = 'application/json'
  let response: Response
  try {
    response = await fetch(path, { method, headers, body: body === undefined ? null : JSON.stringify(body), cache: 'no-store' })
  } catch {
    throw new Unreachable()
  }
  if (!response.ok) throw new Refused(response.status)
  const text = await response.text()
  return (text === '' ? undefined : JSON.parse(text)) as T
}

export function documentPath (id: string, ...rest: string[]): string {
  return ['/api/documents', id, ...rest].map((part, index) => index === 0 ? part : encodeURIComponent(part)).join('/')
}
