import { CommandInvalid } from '../errors.ts'
import { prune } from '../stores/prune.ts'
import { withDatabase, type DatabaseOptions } from './database.ts'
import { exitCodes, Report, type ExitCode, type Io } from './io.ts'

export interface PruneOptions extends DatabaseOptions {
  keepSnapshots?: number
  keepFor?: number
  keepUpdates?: number
  share: number
  json: boolean
}

export async function pruneCommand (io: Io, { keepSnapshots, keepFor, keepUpdates, share, json, ...database }: PruneOptions): Promise<ExitCode> {
  if (keepSnapshots === undefined && keepFor === undefined && keepUpdates === undefined) {
    throw new CommandInvalid('Say what to keep: --keep-snapshots, --keep-for or --keep-updates')
  }
  const report = new Report(io, json)
  const total = { snapshots: 0, updates: 0 }
  return await withDatabase(io, database, async (client) => {
    try {
      await prune(client, { snapshots: keepSnapshots, age: keepFor, updates: keepUpdates }, {
        share,
        signal: io.signal,
        onPruned ({ snapshots, updates }) {
          total.snapshots += snapshots
          total.updates += updates
        }
      })
      return exitCodes.ok
    } finally {
      report.result({ type: 'summary', ...total }, `Removed ${total.updates} updates and the text of ${total.snapshots} snapshots`)
    }
  })
}
