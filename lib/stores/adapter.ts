import type { IsolationLevel, SqlDriverAdapter, SqlDriverAdapterFactory, SqlQuery, SqlQueryable, SqlResultSet } from '@prisma/driver-adapter-utils'
import { StatementNamesUnusable } from '../errors.ts'
import type { PrismaClientLike } from './prisma.ts'
import { removeStatementNames, showsPooler } from './statement-names.ts'

export interface Transaction extends PrismaClientLike {
  /** The transaction has ended, also if this rejects. */
  commit (): Promise<void>
  rollback (): Promise<void>
}

/**
 * The raw queries of the store, straight through a Prisma driver adapter. A PrismaClient would send them through its query engine
 * (WebAssembly), where one statement costs more than all else that is done for a message.
 */
export class AdapterClient implements PrismaClientLike {
  readonly #factory: SqlDriverAdapterFactory
  #connecting: Promise<SqlDriverAdapter> | undefined
  #isPooled = false
  readonly #texts = new WeakMap<TemplateStringsArray, string>()

  constructor (factory: SqlDriverAdapterFactory) {
    this.#factory = factory
  }

  /** Connects a pool at the first query. */
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
    return await this.#query<T>(adapter, adapter, strings, values)
  }

  /** Begins a transaction. Its queries run one after the other, in the order of their calls. */
  async begin (isolationLevel: IsolationLevel): Promise<Transaction> {
    const adapter = await this.#connect()
    const transaction = await adapter.startTransaction(isolationLevel)
    let last: Promise<unknown> = Promise.resolve()
    // Some drivers commit and roll back by themselves. To others the statement is sent.
    const execute = async (sql: string) => {
      await last
      if (!transaction.options.usePhantomQuery) await transaction.executeRaw({ sql, args: [], argTypes: [] })
    }
    const rollback = async () => {
      // Lost connections roll back by themselves.
      await execute('ROLLBACK').catch(() => {})
      await transaction.rollback()
    }
    return {
      $queryRaw: <T>(strings: TemplateStringsArray, ...values: unknown[]) => {
        const result = last.then(async () => await this.#query<T>(adapter, transaction, strings, values))
        last = result.catch(() => {})
        return result
      },
      async commit () {
        try {
          await execute('COMMIT')
        } catch (error) {
          // Else the connection stays taken, and the pool never ends.
          await rollback()
          throw error
        }
        await transaction.commit()
      },
      rollback
    }
  }

  /** Calls a function with a transaction, and commits it. It is rolled back if the function rejects. */
  async transaction<T> (isolationLevel: IsolationLevel, action: (db: PrismaClientLike) => Promise<T>): Promise<T> {
    const transaction = await this.begin(isolationLevel)
    let result: T
    try {
      result = await action(transaction)
    } catch (error) {
      await transaction.rollback()
      throw error
    }
    await transaction.commit()
    return result
  }

  async #query<T> (adapter: SqlDriverAdapter, queryable: SqlQueryable, strings: TemplateStringsArray, values: unknown[]): Promise<T> {
    const query = this.#queryOf(strings, values, adapter.getConnectionInfo?.().schemaName)
    try {
      const { columnNames, rows } = await this.#send(queryable, query)
      return rows.map((row) => Object.fromEntries(columnNames.map((name, index) => [name, row[index]]))) as T
    } finally {
      // Prisma keeps the last 100 queries for its debug output, on or off, and with them what was written.
      query.args.length = 0
    }
  }

  async #send (adapter: SqlQueryable, query: SqlQuery): Promise<SqlResultSet> {
    try {
      return await adapter.queryRaw(query)
    } catch (error) {
      if (!showsPooler(error)) throw error
      // Another query may have failed at the same time and removed the names.
      this.#isPooled ||= removeStatementNames(this.#factory)
      if (!this.#isPooled) throw Object.assign(new StatementNamesUnusable((error as Error).message), { cause: error })
      return await adapter.queryRaw(query)
    }
  }

  /** `… = ${a} AND … = ${b}` as `… = $1 AND … = $2`, in the schema of the adapter's options: Prisma puts it into its own queries only. */
  #queryOf (strings: TemplateStringsArray, args: unknown[], schema: string | undefined): SqlQuery {
    let sql = this.#texts.get(strings)
    if (sql === undefined) {
      sql = strings.reduce((text, part, index) => `${text}$${index}${part}`)
      if (schema !== undefined) sql = sql.replace(/\bsecsync_(?:document|snapshot|update|deletion)\b/g, (table) => `${quoted(schema)}.${table}`)
      this.#texts.set(strings, sql)
    }
    return { sql, args, argTypes: args.map((arg) => ({ scalarType: 'unknown', arity: Array.isArray(arg) ? 'list' : 'scalar' })) }
  }

  async close (): Promise<void> {
    await (await this.#connecting)?.dispose()
  }
}

/** As an identifier. */
export function quoted (name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
