import type { FastifyBaseLogger } from 'fastify'
import { BackgroundTask } from './background-task.ts'
import type { Documents } from './documents.ts'
import type { RetentionSettings } from './retention.ts'

/** Milliseconds between two looks for deleted documents whose time to be restored is over. */
const purgeInterval = 60_000

/** Removes the data of deleted documents. */
export function purging (documents: Pick<Documents, 'purge'>, log: FastifyBaseLogger): BackgroundTask {
  return new BackgroundTask({
    interval: purgeInterval,
    async run (signal) {
      await documents.purge({ signal })
    },
    onError: (err) => log.warn({ err }, 'secsync: removing the data of deleted documents failed. It is tried again')
  })
}

/** Removes what retention does not keep. */
export function retaining (documents: Pick<Documents, 'prune'>, { interval, share, ...retention }: RetentionSettings, log: FastifyBaseLogger): BackgroundTask {
  return new BackgroundTask({
    interval,
    async run (signal) {
      const startedAt = performance.now()
      const { snapshots, updates } = await documents.prune(retention, { share, signal, ifBusy: 'end' })
      if (snapshots + updates === 0) return
      log.info({ snapshots, updates, ms: Math.round(performance.now() - startedAt) }, 'secsync: retention has removed old snapshots and updates')
    },
    onError: (err) => log.warn({ err }, 'secsync: removing what retention does not keep failed. It is tried again')
  })
}
