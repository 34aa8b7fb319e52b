import { PrismaPg } from '@prisma/adapter-pg'
import t from 'tap'
import { idOf, openDocument } from './fixtures/open-document.ts'
import { createDatabase } from './fixtures/postgres.ts'
import { Author } from './fixtures/raw-client.ts'
import { startServer } from './fixtures/server.ts'

t.test('what another process saved before an update comes before it, though nobody told of it', async (t) => {
  const { connectionString } = await createDatabase(t)
  const { writer, reader, snapshot } = await openDocument(t, { adapter: new PrismaPg({ connectionString }) })
  const other = await startServer(t, { adapter: new PrismaPg({ connectionString }) })
  const [here, there] = [new Author(), new Author()].map((author) => author.update('document', idOf(snapshot), 0)) as [object, object]
  const otherWriter = other.connect('document')
  await otherWriter.next('document')
  otherWriter.send(there)
  await otherWriter.next('update-saved')

  writer.send(here)
  t.match(await reader.next('update'), there)
  t.match(await reader.next('update'), here)
  await writer.next('update-saved')
  t.match(await writer.next('update'), there)
})
