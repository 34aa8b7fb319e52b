import { Pace } from './crypto/work.ts'
import type { WebSocketConstructor } from './options.ts'

/** All that the client takes from the outside: time, chance, the network. The model test brings its own. */
export interface Environment {
  /** Milliseconds. */
  now (): number
  /** From 0 up to 1. */
  random (): number
  /** Returns a function that ends the timer. */
  setTimer (fn: () => void, milliseconds: number): () => void
  readonly WebSocket: WebSocketConstructor
  /** The HTTP status that a failed handshake most likely had; `unreachable`: nobody answers; `reachable`: somebody does, that is all that is known. */
  probe (url: string): Promise<number | 'reachable' | 'unreachable'>
  /** Calls `fn` when the network is back, the page is shown again or the device has woken up. Returns a function that ends it. */
  onWake (fn: () => void): () => void
  /** Calls `fn` when the network is gone for sure. */
  onOffline (fn: () => void): () => void
  /** Calls `fn` when the page may be about to end. Returns a function that ends it. */
  onHide (fn: () => void): () => void
  /** Default: that of the platform. */
  readonly fetch?: typeof fetch | undefined
  /** For work that may take longer than a frame. */
  newPace (): Pace
  /** Default: the fastest of this platform. */
  readonly verifier?: 'platform' | 'javascript' | undefined
}

/** Of a browser or of Node.js. */
export function platform (WebSocket: WebSocketConstructor | undefined): Environment {
  return {
    now: () => Date.now(),
    random: () => Math.random(),
    setTimer (fn, milliseconds) {
      const timer = setTimeout(fn, milliseconds)
      return () => clearTimeout(timer)
    },
    get WebSocket () {
      const constructor = WebSocket ?? (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket
      if (constructor === undefined) throw new TypeError('There is no WebSocket here: pass one in the options (in Node.js 20: that of the package ws)')
      return constructor
    },
    probe,
    onWake,
    onOffline: (fn) => listen(globalThis, 'offline', fn),
    onHide,
    newPace: () => new Pace()
  }
}

const probeTimeout = 5000
const notCached = { cache: 'no-store' } as const

/** A WebSocket does not tell why its handshake failed. The same request over HTTP does. */
async function probe (url: string): Promise<number | 'reachable' | 'unreachable'> {
  const httpUrl = url.replace(/^ws/, 'http')
  try {
    const { status } = await fetch(httpUrl, { ...notCached, redirect: 'manual', signal: AbortSignal.timeout(probeTimeout) })
    return status === 0 ? 'reachable' : status
  } catch {
    try {
      // Another origin may be there and not allow its answer to be read.
      await fetch(httpUrl, { ...notCached, mode: 'no-cors', signal: AbortSignal.timeout(probeTimeout) })
      return 'reachable'
    } catch {
      return 'unreachable'
    }
  }
}

/** How often to look whether time was lost, and how late the timer must be for that. */
const sleepCheck = { interval: 10_000, late: 15_000 }

interface PageGlobals {
  document?: EventTarget & { visibilityState?: string }
}

function onWake (fn: () => void): () => void {
  const { document } = globalThis as PageGlobals
  let last = Date.now()
  // A device that slept has lost its connections, and tells nobody.
  const timer = setInterval(() => {
    const now = Date.now()
    if (now - last > sleepCheck.interval + sleepCheck.late) fn()
    last = now
  }, sleepCheck.interval)
  unref(timer)
  const ends = [
    () => clearInterval(timer),
    listen(globalThis, 'online', fn),
    listen(document, 'visibilitychange', () => { if (document?.visibilityState === 'visible') fn() }),
    // Back from the back/forward cache.
    listen(globalThis, 'pageshow', (event) => { if ((event as { persisted?: boolean }).persisted === true) fn() })
  ]
  return () => { for (const end of ends) end() }
}

/** On phones a hidden page often ends without another event. */
function onHide (fn: () => void): () => void {
  const { document } = globalThis as PageGlobals
  const ends = [
    listen(globalThis, 'pagehide', fn),
    listen(document, 'visibilitychange', () => { if (document?.visibilityState === 'hidden') fn() })
  ]
  return () => { for (const end of ends) end() }
}

/** In Node.js a timer alone must not keep the process alive. */
function unref (timer: unknown): void {
  (timer as { unref?: () => void }).unref?.()
}

function listen (target: object | undefined, type: string, fn: (event: unknown) => void): () => void {
  if (target === undefined || !('addEventListener' in target)) return () => {}
  const events = target as EventTarget
  events.addEventListener(type, fn)
  return () => events.removeEventListener(type, fn)
}
