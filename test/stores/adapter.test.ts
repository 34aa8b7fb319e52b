// Troubles of a driver adapter that a pooler brings about: a real one is in test/poolers.test.ts.
import type { SqlDriverAdapterFactory, SqlQuery } from '@prisma/driver-adapter-utils'
import t from 'tap'
import { AdapterClient } from '../../lib/stores/adapter.ts'

const unknownName = Object.assign(new Error('prepared statement "a" does not exist'), { cause: { originalCode: '26000' } })

/** `fails` says what a query fails with. */
function clientOn (options: object, fails: () => unknown): { client: AdapterClient, queries: SqlQuery[] } {
  const queries: SqlQuery[] = []
  const adapter = {
    async queryRaw (query: SqlQuery) {
      queries.push(query)
      const error = fails()
      if (error !== undefined) throw error
      return { columnNames: ['number'], rows: [[1]] }
    }
  }
  return { queries, client: new AdapterClient({ options, connect: async () => adapter } as unknown as SqlDriverAdapterFactory) }
}

t.test('behind a pooler the statement names are given up, and what failed meanwhile is asked again', async (t) => {
  const options = { statementNameGenerator: () => 'name' }
  const { client, queries } = clientOn(options, () => options.statementNameGenerator === undefined || queries.length > 2 ? undefined : unknownName)
  const ask = () => client.$queryRaw`SELECT 1 AS number`
  t.strictSame(await Promise.all([ask(), ask()]), [[{ number: 1 }], [{ number: 1 }]])
  t.equal(queries.length, 4)
  t.equal(options.statementNameGenerator, undefined)
})

t.test('statement names that somebody else has given cannot be given up: the error says so', async (t) => {
  for (const options of [{}, undefined]) {
    const { client } = clientOn({ ...options }, () => unknownName)
    await t.rejects(client.$queryRaw`SELECT 1`, { code: 'FST_SECSYNC_STATEMENT_NAMES_UNUSABLE', cause: unknownName })
  }
})

t.test('any other failure is passed on as it is', async (t) => {
  for (const error of [new Error('syntax'), Object.assign(new Error('unique'), { cause: { originalCode: '23505' } })]) {
    const { client, queries } = clientOn({}, () => error)
    await t.rejects(client.$queryRaw`SELECT 1`, error)
    t.equal(queries.length, 1)
  }
})
