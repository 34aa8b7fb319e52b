import t, { type Test } from 'tap'
import { platform } from '../../lib/client/environment.ts'

/** Puts a value in place of a global one until the test ends. */
function replaceGlobal (t: Test, name: string, value: unknown): void {
  const before = Object.getOwnPropertyDescriptor(globalThis, name)
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
  t.teardown(() => {
    if (before === undefined) Reflect.deleteProperty(globalThis, name)
    else Object.defineProperty(globalThis, name, before)
  })
}

t.test('the WebSocket is the given one, else that of the platform. Where there is none, an error says what to do', (t) => {
  class Given {}
  replaceGlobal(t, 'WebSocket', undefined)
  t.equal(platform(Given as never).WebSocket, Given)
  t.throws(() => platform(undefined).WebSocket, /pass one in the options/)
  replaceGlobal(t, 'WebSocket', Given)
  t.equal(platform(undefined).WebSocket, Given)
  t.end()
})

t.test('a server whose answer may not be read is reachable, and one that does not answer is not', async (t) => {
  const { probe } = platform(undefined)
  const answers: Array<(mode: string | undefined) => Response> = [
    () => new Response(null, { status: 403 }),
    // As that of a redirect.
    () => Response.error(),
    (mode) => {
      if (mode === 'no-cors') return Response.error()
      throw new TypeError('Of another origin')
    },
    () => { throw new TypeError('Nobody is there') }
  ]
  const urls: unknown[] = []
  for (const [index, expected] of ([403, 'reachable', 'reachable', 'unreachable'] as const).entries()) {
    replaceGlobal(t, 'fetch', async (url: string, { mode }: RequestInit) => {
      urls.push(url)
      return answers[index]?.(mode)
    })
    t.equal(await probe('wss://host/document'), expected)
  }
  t.ok(urls.every((url) => url === 'https://host/document'))
})

t.test('a page that is shown again wakes up, one that is hidden may be about to end', (t) => {
  const page = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  replaceGlobal(t, 'document', page)
  const { onWake, onHide } = platform(undefined)
  const events: string[] = []
  const ends = [onWake(() => events.push('wake')), onHide(() => events.push('hide'))]
  for (const state of ['hidden', 'visible']) {
    page.visibilityState = state
    page.dispatchEvent(new Event('visibilitychange'))
  }
  for (const end of ends) end()
  page.dispatchEvent(new Event('visibilitychange'))
  t.strictSame(events, ['hide', 'wake'])
  t.end()
})
