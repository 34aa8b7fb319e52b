import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'
import { build, type Rollup } from 'vite'
import type * as changes from '../../lib/client/crypto/changes.ts'
import type * as messages from '../../lib/client/crypto/messages.ts'
import type * as open from '../../lib/client/crypto/open.ts'
import type * as platform from '../../lib/client/crypto/platform.ts'
import type * as work from '../../lib/client/crypto/work.ts'
import { Author, key, sodium } from '../fixtures/raw-client.ts'
import { launch, noBrowser } from './fixtures/chromium.ts'

const folder = fileURLToPath(new URL('../../lib/client/crypto', import.meta.url))

type Cryptography = typeof changes & typeof messages & typeof open & Pick<typeof platform, 'isPlatformUsable'> & typeof work
declare const cryptography: Cryptography

/** The client's cryptography as a script. */
async function script (): Promise<string> {
  const entry = 'virtual:entry'
  // `verify` is that of open.
  const names = ['platform', 'changes', 'messages', 'open', 'work']
  const { output } = await build({
    configFile: false,
    logLevel: 'silent',
    plugins: [{
      name: entry,
      resolveId: (id) => id === entry ? id : undefined,
      load: (id) => id === entry
        ? `${names.map((name) => `import * as ${name} from ${JSON.stringify(join(folder, `${name}.ts`))}`).join('\n')}
           globalThis.cryptography = { ${names.map((name) => `...${name}`).join(', ')} }`
        : undefined
    }],
    build: { write: false, rollupOptions: { input: entry } }
  }) as Rollup.RollupOutput
  return output[0].code
}

for (const [origin, isSecure] of [['http://localhost', true], ['http://insecure.example', false]] as const) {
  test(`in Chromium, without eval and WebAssembly, on ${origin}: opens what libsodium made, refuses the rest, and leaves frames alone`, { skip: noBrowser }, async (t) => {
    const code = await script()
    const browser = await launch()
    t.teardown(() => browser.close())
    const page = await browser.newPage()
    await page.route('**/*', (route) => route.request().url().endsWith('.js')
      ? route.fulfill({ contentType: 'text/javascript', body: code })
      : route.fulfill({
        contentType: 'text/html',
        headers: { 'content-security-policy': "default-src 'none'; script-src 'self'" },
        body: '<!doctype html><script type="module" src="/script.js"></script>'
      }))
    const errors: unknown[] = []
    page.on('pageerror', (error) => errors.push(error))
    await page.goto(`${origin}/`)

    const author = new Author()
    const updates = Array.from({ length: 300 }, (_, clock) => author.update('document', 'snapshot', clock, `["${sodium.to_base64(`text ${clock}`)}"]`))
    const signature = updates[0]!.signature
    updates[7] = { ...updates[7]!, signature }
    const big = author.snapshot('document', { content: randomBytes(3_000_000) })
    const result = await page.evaluate(async ({ updates, big, key }) => {
      const { openAll, verify, decrypt, isPlatformUsable, decodeChanges, finish, Pace } = cryptography
      const bytes = Uint8Array.from(key)
      const opened = await openAll('update', updates, bytes)
      let longest = 0
      let last = performance.now()
      const channel = new MessageChannel()
      channel.port1.onmessage = () => {
        longest = Math.max(longest, performance.now() - last)
        last = performance.now()
        channel.port2.postMessage(null)
      }
      channel.port2.postMessage(null)
      const began = last
      await verify('snapshot', big)
      const content = await new Pace().run(decrypt(big, bytes))
      channel.port1.close()
      return {
        isSecureContext,
        isPlatformUsable: await isPlatformUsable(),
        texts: opened.map((content) => content instanceof Error ? content.name : new TextDecoder().decode(finish(decodeChanges(content))[0])),
        length: content.length,
        took: last - began,
        longest
      }
    }, { updates, big: big as Parameters<typeof cryptography.decrypt>[0], key: [...key] })

    t.equal(result.isSecureContext, isSecure)
    if (!isSecure) t.equal(result.isPlatformUsable, false)
    t.same(result.texts, updates.map((_, clock) => clock === 7 ? 'CryptoError' : `text ${clock}`))
    t.equal(result.length, 3_000_000)
    t.ok(result.longest < result.took / 2, `the longest task: ${result.longest.toFixed(0)} of ${result.took.toFixed(0)} ms`)
    t.comment(`WebCrypto verifies as libsodium does: ${result.isPlatformUsable}`)
    t.same(errors, [])
  })
}
