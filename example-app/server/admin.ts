// npm run admin: what whoever runs this server sees of it, and may end. Titles and texts are encrypted: documents have ids only.
import { PrismaPg } from '@prisma/adapter-pg'
import { Command } from 'commander'
import { createDocuments } from 'fastify-secsync/documents'
import { openDatabase } from './database.ts'
import { endMemberships } from './delete-document.ts'
import { PrismaClient } from './prisma-client/client.ts'
import { readSettings } from './settings.ts'

interface DocumentFacts { id: string, owner: string | null, members: number, bytes: number, updates: number, changedAt: Date }
interface PersonFacts { id: string, name: string, sessions: number, documents: number, bytes: number, usedAt: Date | null }

const program = new Command('admin').description('Looks at the database of the example app, and ends what has to end. It uses the settings of the app.')
const withJson = (name: string) => program.command(name).option('--json', 'prints JSON')
const most = 1_000_000

withJson('status').description('numbers of documents, people and sessions, and the space that they use').action(async ({ json }: { json?: boolean }) => {
  await withPrisma(async (prisma) => {
    const [documents = { documents: 0, deleted: 0, bytes: 0 }] = await prisma.$queryRaw<Array<{ documents: number, deleted: number, bytes: number }>>`
      SELECT count(*) FILTER (WHERE deleted_at IS NULL)::int AS documents, count(deleted_at)::int AS deleted, coalesce(sum(kept_bytes), 0)::float8 AS bytes
      FROM secsync_document`
    const [database = { bytes: 0 }] = await prisma.$queryRaw<Array<{ bytes: number }>>`SELECT pg_database_size(current_database())::float8 AS bytes`
    const { _count: files, _sum: { bytes: fileBytes } } = await prisma.appFile.aggregate({ _count: true, _sum: { bytes: true } })
    const status = {
      ...documents,
      files,
      fileBytes: fileBytes ?? 0,
      databaseBytes: database.bytes,
      people: await prisma.appMember.count(),
      sessions: await prisma.appSession.count(),
      invitations: await prisma.appInvitation.count()
    }
    if (json) printJson(status)
    else console.table([{ ...status, bytes: size(status.bytes), fileBytes: size(status.fileBytes), databaseBytes: size(status.databaseBytes) }])
  })
})

withJson('documents').description('documents, those that use most space first').option('--limit <number>', 'how many', limit, 20)
  .action(async ({ json, limit }: { json?: boolean, limit: number }) => {
    await withPrisma(async (prisma) => {
      const documents = await prisma.$queryRaw<DocumentFacts[]>`
        SELECT id, (SELECT name FROM app_membership m JOIN app_member p ON p.id = m.member_id WHERE m.document_id = d.id AND role = 'owner' LIMIT 1) AS owner,
          (SELECT count(*)::int FROM app_membership m WHERE m.document_id = d.id AND role <> 'removed') AS members,
          (kept_bytes + (SELECT coalesce(sum(bytes), 0) FROM app_file WHERE document_id = d.id))::float8 AS bytes,
          update_count::int AS updates, changed_at AS "changedAt"
        FROM secsync_document d WHERE deleted_at IS NULL ORDER BY bytes DESC, id LIMIT ${limit}::int`
      if (json) for (const document of documents) printJson(document)
      else console.table(documents.map(({ changedAt, bytes, ...document }) => ({ ...document, bytes: size(bytes), changed: changedAt.toISOString() })))
    })
  })

withJson('people').description('people, those whose documents use most space first').option('--limit <number>', 'how many', limit, 20)
  .action(async ({ json, limit }: { json?: boolean, limit: number }) => {
    await withPrisma(async (prisma) => {
      const people = await prisma.$queryRaw<PersonFacts[]>`
        SELECT p.id, p.name, (SELECT count(*)::int FROM app_session WHERE member_id = p.id) AS sessions, count(d.id)::int AS documents,
          coalesce(sum(d.kept_bytes + (SELECT coalesce(sum(bytes), 0) FROM app_file WHERE document_id = d.id)), 0)::float8 AS bytes, (SELECT max(used_at) FROM app_session WHERE member_id = p.id) AS "usedAt"
        FROM app_member p LEFT JOIN app_membership m ON m.member_id = p.id AND role = 'owner'
          LEFT JOIN secsync_document d ON d.id = m.document_id AND d.deleted_at IS NULL
        GROUP BY p.id ORDER BY bytes DESC, p.id LIMIT ${limit}::int`
      if (json) for (const person of people) printJson(person)
      else console.table(people.map(({ bytes, usedAt, ...person }) => ({ ...person, bytes: size(bytes), used: usedAt?.toISOString() ?? 'never' })))
    })
  })

program.command('delete').argument('<id>', 'of the document').description('deletes a document for everybody, and for good').action(async (id: string) => {
  await withPrisma(async (prisma) => {
    const receipt = await createDocuments({ prisma }).delete(id)
    await endMemberships(prisma, id)
    if (receipt === undefined) throw new Error(`There is no document ${JSON.stringify(id)}`)
    printJson(receipt)
  })
})

program.command('end-sessions').argument('<id>', 'of the person').description('ends all sessions of a person. Their devices are out within seconds')
  .action(async (memberId: string) => {
    await withPrisma(async (prisma) => {
      await prisma.appTransfer.deleteMany({ where: { memberId } })
      const { count } = await prisma.appSession.deleteMany({ where: { memberId } })
      if (count === 0) throw new Error(`There is no session of a person ${JSON.stringify(memberId)}`)
      printJson({ ended: count })
    })
  })

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
}

/** The database of the settings. That of the app itself is there while the app does not run: set DATABASE_URL to look at one that does. */
async function withPrisma (work: (prisma: PrismaClient) => Promise<void>): Promise<void> {
  const database = await openDatabase(readSettings(process.env, { LOG_LEVEL: 'warn' }))
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: database.connectionString, max: 4 }) })
  try {
    await work(prisma)
  } finally {
    await prisma.$disconnect()
    await database.close()
  }
}

function limit (text: string): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1 || number > most) throw new Error(`--limit must be a number from 1 to ${most}`)
  return number
}

function printJson (value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

function size (bytes: number): string {
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}
