import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build, type Rollup } from 'vite'
import type { ClientName } from './client.ts'

// What both have beside them in a page.
const shared = /^(yjs|y-protocols|lib0|react|react-dom)(\/|$)/

const entries: Record<ClientName, string> = {
  ours: `
export { openDocument } from 'fastify-secsync/client'
export { yjs } from 'fastify-secsync/client/yjs'
export { useDocument } from 'fastify-secsync/client/react'`,
  published: `
export { default as sodium } from 'libsodium-wrappers'
export { useYjsSync } from 'secsync-react-yjs'`
}

/** Kilobytes of JavaScript that the client and its libraries are in a page, minified, with gzip. */
export async function kilobytesInPage (client: ClientName, root: string): Promise<number> {
  const directory = await mkdtemp(join(root, 'bench/results/page-'))
  try {
    const entry = join(directory, 'entry.js')
    await writeFile(entry, entries[client])
    const output = await build({
      configFile: false,
      logLevel: 'silent',
      root,
      build: {
        write: false,
        minify: true,
        target: 'es2022',
        rollupOptions: { input: entry, external: shared, preserveEntrySignatures: 'strict', output: { format: 'es' } }
      }
    }) as Rollup.RollupOutput
    const code = output.output.flatMap((chunk) => chunk.type === 'chunk' ? [chunk.code] : []).join('')
    return gzipSync(code).length / 1000
  } finally {
    await rm(directory, { recursive: true })
  }
}
