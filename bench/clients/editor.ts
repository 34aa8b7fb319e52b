import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { build, type Rollup } from 'vite'
import { launch } from '../../test/browser/fixtures/chromium.ts'
import { root } from '../environment.ts'
import type { EditorLoad } from './editor-page.ts'

/** Loads documents in an editor in Chromium, each in a page of its own. */
export class EditorInBrowser {
  readonly #browser: Browser
  readonly #server: Server

  private constructor (browser: Browser, server: Server) {
    this.#browser = browser
    this.#server = server
  }

  static async start (): Promise<EditorInBrowser> {
    const output = await build({
      configFile: false,
      logLevel: 'silent',
      root,
      build: { write: false, minify: true, target: 'es2023', rollupOptions: { input: join(root, 'bench/clients/editor-page.ts') } }
    }) as Rollup.RollupOutput
    const [script] = output.output
    const server = createServer((request, response) => {
      const isScript = request.url === '/page.js'
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
      response.end(isScript ? script.code : '<!doctype html><title>Editor</title><body><script type="module" src="/page.js"></script>')
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return new EditorInBrowser(await launch(), server)
  }

  /** Milliseconds from opening the document until the editor shows all of it. */
  async load (task: EditorLoad): Promise<number> {
    const page = await this.#browser.newPage()
    try {
      await page.goto(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`)
      return await page.evaluate((task) => (globalThis as unknown as { load (task: EditorLoad): Promise<number> }).load(task), task)
    } finally {
      await page.close()
    }
  }

  async stop (): Promise<void> {
    await this.#browser.close()
    this.#server.close()
  }
}
