// What a connection and an open document take in memory: `npm run bench:sizing`. The figures of docs/deployment.md.
import { Environment } from './environment.ts'
import { closeClients, openClients } from './load/client.ts'

const count = 2000
const environment = await Environment.start(['product'])
try {
  const server = environment.server('product')
  const live = async (): Promise<number> => {
    await server.ask('collectGarbage')
    return (await server.ask('usage')).live
  }
  const measure = async (name: string, documentOf: (index: number) => string): Promise<void> => {
    const before = await live()
    const clients = await openClients(count, server.url, documentOf)
    console.log(`${name}: ${Math.round((await live() - before) / count / 102.4) / 10} KB`)
    await closeClients(clients)
  }
  // The first time, code and shapes are made, too.
  await measure('(warm-up)', (index) => `document-${index}`)
  await measure('a connection, all to one document', () => 'document')
  await measure('a connection to a document of its own', (index) => `document-${index}`)
} finally {
  await environment.stop()
}
