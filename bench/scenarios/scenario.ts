import type { Environment, Server, ServerName } from '../environment.ts'
import type { Sample } from '../measure.ts'
import type { Target } from '../targets.ts'

/** Something that clients do to a server. */
export interface Scenario {
  name: string
  title: string
  servers: ServerName[]
  targets: Target[]
  /** Once, before all rounds. */
  setUp? (environment: Environment): Promise<void>
  run (environment: Environment, server: Server, round: number): Promise<Sample>
}

export type Described = Pick<Scenario, 'name' | 'title' | 'targets'>

/** How much is done in a run. */
export class Size {
  /** Seconds after which a slow server is not given more to do. */
  readonly seconds: number
  /** Of the operations of the full run. */
  readonly share: number

  constructor (seconds: number, share: number) {
    this.seconds = seconds
    this.share = share
  }

  some (count: number): number {
    return Math.max(1, Math.round(count * this.share))
  }

  deadline (): number {
    return performance.now() + this.seconds * 1000
  }
}

export const allServers: ServerName[] = ['product', 'peer', 'limit']

/** The same messages for each server of a round. */
export function perRound<T> (prepare: (round: number) => T): (round: number) => T {
  let current: { round: number, value: T } | undefined
  return (round) => {
    if (current?.round !== round) current = { round, value: prepare(round) }
    return current.value
  }
}
