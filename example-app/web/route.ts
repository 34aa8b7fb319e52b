import { Signal } from './ui/signal.ts'

/**
 * Where the app is, all of it in the fragment: a browser never sends the part of an address after the `#`, so neither the document's
 * key nor its id is in any request for a page.
 */
export type Route =
  | { page: 'home' }
  | { page: 'document', id: string, key: string }
  | { page: 'join', token: string, key: string }

export function parseRoute (fragment: string): Route {
  const [, page, first = '', key = ''] = fragment.replace(/^#/, '').split('/').map(decodeURIComponent)
  if (page === 'd' && first !== '') return { page: 'document', id: first, key }
  if (page === 'join' && first !== '') return { page: 'join', token: first, key }
  return { page: 'home' }
}

export function documentHref (id: string, key: string): string {
  return `#/d/${encodeURIComponent(id)}/${key}`
}

export function invitationLink (token: string, key: string): string {
  return new URL(`#/join/${encodeURIComponent(token)}/${key}`, location.origin).href
}

export const route = new Signal<Route>(parseRoute(location.hash))

const leaving = new Set<() => void>()

/** Called before the app leaves a page, in time for a last message. */
export function beforeLeaving (listener: () => void): () => void {
  leaving.add(listener)
  return () => { leaving.delete(listener) }
}

window.addEventListener('hashchange', () => {
  for (const listener of [...leaving]) listener()
  // A task later: what the listeners send leaves in the microtasks of this one.
  setTimeout(() => route.set(parseRoute(location.hash)))
})

/** Changes the address without opening anything anew: the key in it is out of date. */
export function replaceFragment (href: string): void {
  history.replaceState(null, '', href)
}
