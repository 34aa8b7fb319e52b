import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { checkPackage, freshFolder, link, manifestOf, pack } from './fixtures/package.ts'

t.test('a folder with the tarball, and the packages that it names, type-checks and serves', async (t) => {
  const directory = await freshFolder(t)
  const { tarball, files } = await pack(directory)
  const needed = ['README.md', 'LICENSE', 'CHANGELOG.md', 'dist/index.js', 'dist/index.d.ts', 'prisma/schema.prisma', 'prisma/migrations/migration_lock.toml']
  t.strictSame(needed.filter((file) => !files.includes(file)), [], 'nothing is missing')
  const known = /^(dist|lib|prisma)\/(?!\.)|^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/
  t.strictSame(files.filter((file) => !known.test(file)), [], 'and nothing else is in it')

  await link(directory, tarball)
  const targets = Object.values((await manifestOf(directory)).exports).flatMap((entry) => typeof entry === 'string' ? entry : Object.values(entry))
  t.strictSame(targets.filter((target) => !existsSync(join(directory, 'node_modules/fastify-secsync', target))), [], 'what it exports is there')
  await checkPackage(t, directory)
})
