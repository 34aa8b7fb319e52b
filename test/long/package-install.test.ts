import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import t from 'tap'
import { checkPackage, companions, freshFolder, pack } from '../fixtures/package.ts'

// package.test.ts does the same without npm: this one needs the registry.
t.test('a fresh folder can install the tarball, type-check with it, and serve', async (t) => {
  const directory = await freshFolder(t)
  const { tarball } = await pack(directory)
  const { packages } = JSON.parse(await readFile('package-lock.json', 'utf8')) as { packages: Record<string, { version: string }> }
  const locked = companions.map((name) => `${name}@${packages[`node_modules/${name}`]!.version}`)
  await promisify(execFile)('npm', ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', tarball, ...locked], { cwd: directory })
  await checkPackage(t, directory)
})
