import type { SqlDriverAdapter, SqlDriverAdapterFactory, SqlQuery } from '@prisma/driver-adapter-utils'
import type { PrismaClientLike } from './prisma.ts'

/**
 * The raw queries of the store, straight through a Prisma driver adapter. A PrismaClient would send them through its query engine
 * (WebAssembly), where one statement costs more than all else that is done for a message.
 */
export class AdapterClient implements PrismaClientLike {
  readonly #factory: SqlDriverAdapterFactory
  #connecting: Promise<SqlDriverAdapter> | undefined

  constructor (factory: SqlDriverAdapterFactory) {
    this.#factory = factory
  }

  /** A pool of connections; none is made before it is needed. */
  #connect (): Promise<SqlDriverAdapter> {
    this.#connecting ??= this.#factory.connect().catch((error: unknown) => {
      // The next query tries again.
      this.#connecting = undefined
      throw error
    })
    return this.#connecting
  }

  async $queryRaw<T> (strings: TemplateStringsArray, ...values: unknown[]): Promise<T> {
    const adapter = await this.#connect()
    const query = queryOf(strings, values)
    try {
      const { columnNames, rows } = await adapter.queryRaw(query)
      return rows.map((row) => Object.fromEntries(columnNames.map((name, index) => [name, row[index]]))) as T
    } finally {
      // Prisma keeps the last 100 queries for its debug output, on or off, and with them what was written.
      query.args.length = 0
    }
  }

  async close (): Promise<void> {
    await (await this.#connecting)?.dispose()
  }
}

const texts = new WeakMap<TemplateStringsArray, string>()

/** `… = ${a} AND … = ${b}` as `… = $1 AND … = $2`. */
function queryOf (strings: TemplateStringsArray, args: unknown[]): SqlQuery {
  let sql = texts.get(strings)
  if (sql === undefined) {
    sql = strings.reduce((text, part, index) => `${text}$${index}${part}`)
    texts.set(strings, sql)
  }
  return { sql, args, argTypes: args.map((arg) => ({ scalarType: 'unknown', arity: Array.isArray(arg) ? 'list' : 'scalar' })) }
}
