// Prints the SQL of the next migration, from the schema that the last migration was committed with to prisma/schema.prisma:
//   npm run build && node scripts/diff-migration.js > prisma/migrations/20270101000000_name/migration.sql
// With --from-empty, the SQL of the whole schema. With SCHEMA=example-app/prisma/schema.prisma, that of the example app.
// As `prisma migrate diff`, but offline and without a database: a test sees to it
// that migrations and schema agree.
import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createSchemaEngine } from '../dist/stores/schema-engine.js'

const path = process.env.SCHEMA ?? 'prisma/schema.prisma'
const empty = 'datasource db {\n provider = "postgresql"\n}'

process.stdout.write(await diff(process.argv[2] === '--from-empty' ? empty : committed(), await readFile(path, 'utf8')))

function committed () {
  const git = (...args) => execFileSync('git', args, { encoding: 'utf8' }).trim()
  const commit = git('log', '-1', '--format=%H', '--', join(dirname(path), 'migrations'))
  return commit ? git('show', `${commit}:${path}`) : empty
}

async function diff (from, to) {
  const engine = await createSchemaEngine({ provider: 'postgres', adapterName: 'none', connect })
  const { stdout } = await engine.diff({
    from: { tag: 'schemaDatamodel', files: [{ path, content: from }] },
    to: { tag: 'schemaDatamodel', files: [{ path, content: to }] },
    script: true,
    exitCode: null,
    filters: { externalTables: [], externalEnums: [] }
  })
  return stdout
}

// Comparing two schemas asks the database one thing: whether the namespace `public` exists, and which version this is.
async function connect () {
  return {
    provider: 'postgres',
    adapterName: 'none',
    queryRaw: async () => ({
      columnNames: ['exists', 'version', 'numeric_version'],
      columnTypes: [5, 7, 0],
      rows: [[true, 'PostgreSQL 18.0', 180000]]
    }),
    async executeRaw () {},
    async executeScript () {},
    async startTransaction () {},
    async dispose () {}
  }
}
