import { Signal } from './ui/signal.ts'

/**
 * Where the app is, all of it in the fragment: a browser never sends the part of an address after the `#`, so neither the document's
 * key nor its id is in any request for a page.
 */
export type Route =
  | { page: 'home' }
  | { page: 'document', id: string, key: string }
  | { page: 'join', token: string, key: string }
  /** For another device of the same person. */
  | { page: 'device', secret: string }

export function parseRoute (fragment: string): Route {
  const [, page, first = '', key = ''] = fragment.replace(/^#/, '').split('/').map(decodeURIComponent)
  if (page === 'd' && first !== '') return { page: 'document', id: first, key }
  if (page === 'join' && first !== '') return { page: 'join', token: first, key }
  if (page === 'device') return { page: 'device', secret: first }
  return { page: 'home' }
}

/** On this device, which has the key: it is in no address, and so not in the browser's history. */
export function documentHref (id: string): string {
  return `#/d/${encodeURIComponent(id)}`
}

/** For others. */
export function documentLink (id: string, key: string): string {
  return new URL(`${documentHref(id)}/${key}`, location.origin).href
}

export function invitationLink (token: string, key: string): string {
  return new URL(`#/join/${encodeURIComponent(token)}/${key}`, location.origin).href
}

export function deviceLink (secret: string): string {
  return new URL(`#/device/${secret}`, location.origin).href
}

/** The address after the secret was taken out of it. */
export const usedDeviceHref = '#/device/used'

export const route = new Signal<Route>(parseRoute(location.hash))

window.addEventListener('hashchange', () => route.set(parseRoute(location.hash)))

/** Changes the address without opening anything anew: the device has the key that was in it. */
export function replaceFragment (href: string): void {
  history.replaceState(null, '', href)
}
