import type { Client } from './client.ts'

/** Milliseconds for answers that are still missing when the time is over. */
const patience = 10_000

export interface Writing {
  client: Client
  updates: string[]
  /** How many may be unanswered. */
  window: number
  /** No update is sent after it, on the clock of `performance.now`. */
  deadline: number
  /** When each update was sent for the first time; filled in here. */
  sentAt: Float64Array
  onConfirmed (clock: number): void
}

interface Answer { type: string, clock?: number }

/**
 * Sends updates until all are confirmed or the time is over. After a failure it does as the published client does: takes back what
 * is in flight, and sends it again from the first that was not confirmed. But only when everything in flight has been answered,
 * which spares a server what it would refuse again.
 */
export async function write ({ client, updates, window, deadline, sentAt, onConfirmed }: Writing): Promise<void> {
  let next = 0
  let confirmed = 0
  let unanswered = 0
  let hasFailed = false
  let timer: NodeJS.Timeout | undefined

  await new Promise<void>((resolve) => {
    const sendMore = (): void => {
      if (hasFailed && unanswered === 0) {
        hasFailed = false
        next = confirmed
      }
      const room = hasFailed || performance.now() >= deadline ? 0 : window - unanswered
      for (const update of updates.slice(next, next + room)) {
        sentAt[next++] ||= performance.now()
        unanswered++
        client.send(update)
      }
      if (unanswered === 0) resolve()
    }
    client.onMessage = (data) => {
      const { type, clock } = JSON.parse(data.toString()) as Answer
      if (type !== 'update-saved' && type !== 'update-save-failed') return
      unanswered--
      if (type === 'update-save-failed') {
        hasFailed = true
      } else if (clock! >= confirmed) {
        confirmed = clock! + 1
        onConfirmed(clock!)
      }
      sendMore()
    }
    if (deadline < Infinity) timer = setTimeout(resolve, deadline - performance.now() + patience)
    sendMore()
  })
  clearTimeout(timer)
}

/** Sends a snapshot until it is saved: a server may refuse one while others are saved at the same moment. */
export async function writeSnapshot (client: Client, snapshot: string): Promise<void> {
  await new Promise<void>((resolve) => {
    client.onMessage = (data) => {
      const { type } = JSON.parse(data.toString()) as Answer
      if (type === 'snapshot-saved') resolve()
      else if (type === 'snapshot-save-failed') client.send(snapshot)
    }
    client.send(snapshot)
  })
}
