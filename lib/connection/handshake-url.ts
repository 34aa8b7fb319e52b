import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'

/**
 * What the URL of a handshake names. The published client puts the document id and the session key into the URL as they are; other
 * clients percent-encode them. The ids `a%2Fb` (as it is) and `a/b` (encoded) have the same URL, so that there may be two readings.
 */
export interface HandshakeUrl {
  /** What follows the prefix of the route, as it was sent. */
  path: string
  /** The readings of the document id, the likelier one first. */
  documentIds: [string, ...string[]]
  /** The readings of the session key; none if there is no session key. */
  sessionKeys: string[]
  /** The other parameters. */
  parameters: URLSearchParams
}

/**
 * Reads the raw URL. The router's own parameter depends on Fastify's options, which trim slashes and end the path at a semicolon, and
 * `request.query` on the application's parser.
 */
export function readHandshakeUrl (request: FastifyRequest): HandshakeUrl {
  const { path, query } = split(request.url)
  const { url: route = '' } = request.routeOptions
  const segment = behindPrefix(path, route)
  const documentIds = documentIdsOf(segment, escaped.has(request.raw) ? 'encoded' : publishedQuery.test(query) ? 'asItIs' : 'unknown')
  return { path: segment, documentIds, sessionKeys: sessionKeysOf(query, request), parameters: new URLSearchParams(query) }
}

/** Requests whose path was escaped here. */
const escaped = new WeakSet<object>()

/**
 * Escapes a path that is not percent-encoded, such as `/documents/100%`, which Fastify would answer with 400. Applied before the
 * router sees the URL.
 */
export function escapePath (request: IncomingMessage): void {
  const { url = '' } = request
  const { path } = split(url)
  if (decode(path) !== undefined) return
  request.url = encodeURI(unescapeUrl(path)) + url.slice(path.length)
  escaped.add(request)
}

/** Whether a client that opens this document may connect to this path. */
export function leadsTo (path: string, documentId: string): boolean {
  if (!documentId.isWellFormed()) return false
  if (path === encodeURIComponent(documentId)) return true
  // `URL` resolves dot segments, takes a backslash for a slash and removes tabs and line breaks.
  const url = `ws://host/${documentId}?sessionKey=`
  return URL.canParse(url) && path === split(new URL(url).href.slice('ws://host/'.length)).path
}

/** An id may hold a question mark: the published client goes on with `?sessionKey=`. */
function split (url: string): { path: string, query: string } {
  const sessionKey = url.indexOf('?sessionKey=')
  const end = sessionKey === -1 ? url.search(/[?#]|$/) : sessionKey
  return { path: url.slice(0, end), query: url.slice(end + 1) }
}

/**
 * `route` is the pattern of the route: the parameters of its prefix never hold a slash. An id that ends with `/snapshots` may have the URL of a history.
 */
function behindPrefix (path: string, route: string): string {
  const [, prefix] = /^(.*)\/(?:\*|:documentId\/snapshots(?:\/:snapshotId)?)$/.exec(route) ?? []
  if (prefix === undefined) return ''
  let rest = path
  for (let segments = prefix.split('/').length - 1; segments > 0; segments--) rest = rest.replace(/^\/+[^/]*/, '')
  return rest.slice(1)
}

/** The query as the published client writes it. */
const publishedQuery = /^sessionKey=[^&]*&mode=(?:complete|delta)(?:&knownSnapshotId=[^&]*)?(?:&knownSnapshotUpdateClocks=[^&]*)?$/

function documentIdsOf (path: string, writtenAs: 'encoded' | 'asItIs' | 'unknown'): [string, ...string[]] {
  const decoded = decode(path)
  const asItIs = unescapeUrl(path)
  if (decoded === undefined || decoded === asItIs) return [asItIs]
  if (writtenAs === 'encoded') return [decoded]
  // No encoder escapes letters, digits and these.
  if (writtenAs === 'asItIs' || /%(?:2D|2E|3\d|[46][1-9A-F]|[57][\dA]|5F|7E)/i.test(path)) return [asItIs]
  return [decoded, asItIs]
}

/** A `+` is a plus sign in what the published client sends, and a space in a form. An application's parser has the last word. */
function sessionKeysOf (query: string, request: FastifyRequest): string[] {
  const [, value] = /(?:^|&)sessionKey=([^&]*)/.exec(query) ?? []
  const decoded = value === undefined ? [] : [...new URLSearchParams(`key=${value}`).values()]
  const readings = value === undefined || new URLSearchParams(query).has('revision') ? decoded : [...new Set([unescapeUrl(value), ...decoded])]
  const { sessionKey } = request.query as { sessionKey?: unknown }
  return typeof sessionKey !== 'string' || readings.includes(sessionKey) ? readings : [sessionKey]
}

/** `undefined`: the text is not percent-encoded. */
function decode (text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Undoes what `new URL()` escapes and nothing else: https://url.spec.whatwg.org/#path-percent-encode-set and the query's. */
function unescapeUrl (text: string): string {
  return text.replace(/(?:%[89A-F][\dA-F])+|%[01][\dA-F]|%(?:20|22|27|3C|3E|5E|60|7B|7D|7F)/gi, (escapes) => decode(escapes) ?? escapes)
}
