import type { Environment } from '../environment.ts'
import { Client } from '../load/client.ts'
import type { Snapshot } from '../load/messages.ts'
import { write, writeSnapshot } from '../load/write.ts'

/** Stores a document with the product and the limit. The peer would take minutes: it gets the product's rows. */
export async function store (environment: Environment, docId: string, snapshot: Snapshot, updates: string[]): Promise<void> {
  for (const { name, url } of environment.servers) {
    if (name !== 'product' && name !== 'limit') continue
    const client = await Client.open(url, docId)
    await writeSnapshot(client, snapshot.text)
    const sentAt = new Float64Array(updates.length)
    await write({ client, updates, window: 64, sentAt, deadline: Infinity, onConfirmed () {} })
    await client.close()
  }
  await copyRows(environment, docId)
}

/** Stores copies of a document, with `-0`, `-1` and so on behind its id, for the product and the peer. */
export async function copyDocument ({ servers }: Environment, docId: string, copies: number): Promise<void> {
  for (const { database } of servers) {
    for (const [table, column] of tables) {
      await database?.query(`INSERT INTO ${table} SELECT copy.* FROM ${table} original, generate_series(0, $2::int - 1) n,
        jsonb_populate_record(original, jsonb_build_object('${column}', $1::text || '-' || n)) copy WHERE original.${column} = $1::text`, [docId, copies])
    }
  }
}

const tables = [['secsync_document', 'id'], ['secsync_snapshot', 'document_id'], ['secsync_update', 'document_id']]

async function copyRows ({ servers }: Environment, docId: string): Promise<void> {
  const from = servers.find(({ name }) => name === 'product')!.database!
  const to = servers.find(({ name }) => name === 'peer')?.database
  if (to === undefined) return
  for (const [table, column] of tables) {
    const { rows: [row] } = await from.query<{ rows: string | null }>(
      `SELECT json_agg(${table})::text AS rows FROM ${table} WHERE ${column} = $1`, [docId])
    await to.query(`INSERT INTO ${table} SELECT * FROM json_populate_recordset(NULL::${table}, $1)`, [row!.rows ?? '[]'])
  }
}
