// A document that is deleted or set back in the database while somebody has it.
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import t from 'tap'
import { idOf, openDocument } from './fixtures/open-document.ts'
import { createDatabase } from './fixtures/postgres.ts'
import { Author } from './fixtures/raw-client.ts'
import { startServer } from './fixtures/server.ts'
import { documentId } from './fixtures/world.ts'

for (const [what, statements] of [
  ['deleted', 'DELETE FROM secsync_document'],
  ['set back', 'DELETE FROM secsync_update WHERE clock = 1; UPDATE secsync_document SET clocks = jsonb_build_object((SELECT author FROM secsync_update), 0)']
] as const) {
  t.test(`a document that is ${what} while somebody has it is open to whoever comes`, async (t) => {
    const { connectionString } = await createDatabase(t)
    const { writer, reader, snapshot, connect } = await openDocument(t, { adapter: new PrismaPg({ connectionString }) })
    const author = new Author()
    for (const clock of [0, 1]) {
      writer.send(author.update(documentId, idOf(snapshot), clock))
      await writer.next('update-saved')
      await reader.next('update')
    }
    const database = new pg.Client({ connectionString })
    await database.connect()
    await database.query(statements)
    await database.end()

    const newcomer = connect(documentId)
    const { updates } = await newcomer.next('document')
    for (const client of [writer, reader]) t.equal(await client.closed(), what === 'deleted' ? 4404 : 1013)
    t.equal(updates?.length, what === 'deleted' ? undefined : 1)
    if (what === 'deleted') newcomer.send(snapshot)
    else newcomer.send(author.update(documentId, idOf(snapshot), 1))
    await newcomer.next(what === 'deleted' ? 'snapshot-saved' : 'update-saved')
  })
}

for (const [what, updates] of [['less', 0], ['as much', 2]] as const) {
  t.test(`a document that another process deletes and makes anew, with ${what} in it, is open to whoever comes`, async (t) => {
    const { connectionString } = await createDatabase(t)
    const { writer, reader, snapshot, connect } = await openDocument(t, { adapter: new PrismaPg({ connectionString }) })
    const [author, other] = [new Author(), new Author()]
    for (const clock of [0, 1]) {
      writer.send(author.update(documentId, idOf(snapshot), clock))
      await writer.next('update-saved')
      await reader.next('update')
    }
    const database = new pg.Client({ connectionString })
    await database.connect()
    await database.query('DELETE FROM secsync_document')
    await database.end()
    const { app: { secsync: elsewhere } } = await startServer(t, { adapter: new PrismaPg({ connectionString }) })
    const anew = other.snapshot(documentId)
    await elsewhere.createSnapshot({ snapshot: anew })
    for (let clock = 0; clock < updates; clock++) await elsewhere.createUpdate({ update: other.update(documentId, idOf(anew), clock) })

    const newcomer = connect(documentId)
    t.match(await newcomer.next('document'), { snapshot: { signature: anew.signature } })
    for (const client of [writer, reader]) t.equal(await client.closed(), 1013)
    newcomer.send(author.update(documentId, idOf(anew), 0))
    await newcomer.next('update-saved')
  })
}
