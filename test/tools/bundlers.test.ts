// An app bundled with esbuild, as docs/platforms.md says.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import t from 'tap'
import { startChild } from '../fixtures/child.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { examplesOf } from '../fixtures/readme.ts'
import { agree, RealClient } from '../fixtures/real-client.ts'

t.test('the README example in one file: it migrates the database and serves', async (t) => {
  const { connectionString } = await createDatabase(t, { migrated: false })
  const [, options = ''] = /^npx esbuild server\.ts (.*)$/m.exec(await readFile('docs/platforms.md', 'utf8')) ?? []
  t.match(options, '--bundle --platform=node --format=esm --outfile=server.mjs')
  const [, banner = ''] = /--banner:js="([^"]+)"/.exec(options) ?? []
  // In the repository, where the bundle finds the WebAssembly and the migrations of the package.
  const directory = t.testdir({})
  await writeFile(join(directory, 'server.ts'), (await examplesOf('README.md', 'Usage'))[0])
  const { warnings, metafile } = await build({
    absWorkingDir: directory,
    entryPoints: ['server.ts'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: 'server.mjs',
    banner: { js: banner },
    external: ['pg-native'],
    metafile: true,
    logLevel: 'silent'
  })
  t.strictSame(warnings, [])
  t.strictSame(Object.keys(metafile.outputs), ['server.mjs'])
  const url = await startChild(t, 'server.mjs', /http:\/\/127\.0\.0\.1:\d+/, { directory, env: { PORT: '0', DATABASE_URL: connectionString } })
  const clients = [1, 2].map(() => new RealClient(t, `${url.replace('http', 'ws')}/documents`, 'welcome', { websocketSessionKey: 'a-session-key' }))
  for (const client of clients) client.type('text')
  t.equal(await agree(...clients), 'texttext')
})
