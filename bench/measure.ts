import type { Environment, Server, ServerName } from './environment.ts'

/** What one server did in one round of a scenario. */
export interface Sample {
  /** Operations per second. */
  rate: number
  /** Milliseconds that an operation took. */
  p50: number
  p99: number
  /** Microseconds of CPU per operation, of the server's process and of PostgreSQL. */
  cpu: number
  databaseCpu: number
  /** Bytes that the clients received per operation. */
  bytes: number
  /** Bytes per connection. */
  memory: number
}

export type Metric = keyof Sample

/** The samples of all rounds, by scenario and server. */
export class Results {
  readonly #samples = new Map<string, Sample[]>()

  add (scenario: string, server: ServerName, sample: Sample): void {
    const key = `${scenario} ${server}`
    this.#samples.set(key, [...this.#samples.get(key) ?? [], sample])
  }

  figure (scenario: string, server: ServerName, metric: Metric): number {
    return median(this.#samplesOf(scenario, server).map((sample) => sample[metric]))
  }

  /** The product's figure by another's. Of each round by itself, so that what happened to both at the same time cancels out. */
  ratio (scenario: string, against: ServerName, metric: Metric): number {
    const others = this.#samplesOf(scenario, against)
    return median(this.#samplesOf(scenario, 'product').flatMap((sample, round) => {
      const other = others[round]?.[metric] ?? NaN
      return sample[metric] / other
    }))
  }

  #samplesOf (scenario: string, server: ServerName): Sample[] {
    return this.#samples.get(`${scenario} ${server}`) ?? []
  }

  toJSON (): object {
    return Object.fromEntries(this.#samples)
  }
}

/** Collects what the load generator sees. */
export class Meter {
  readonly #latencies: number[] = []
  readonly #start = performance.now()
  #end = this.#start
  bytes = 0

  /** An operation that began at this time is done. */
  done (startedAt: number): void {
    this.#end = performance.now()
    this.#latencies.push(this.#end - startedAt)
  }

  get operations (): number {
    return this.#latencies.length
  }

  get result (): Pick<Sample, 'rate' | 'p50' | 'p99'> {
    const sorted = Float64Array.from(this.#latencies).sort()
    return {
      rate: sorted.length / (this.#end - this.#start) * 1000,
      p50: percentile(sorted, 0.5),
      p99: percentile(sorted, 0.99)
    }
  }
}

function percentile (sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}

export async function measure (
  environment: Environment, server: Server, scenario: string, task: (meter: Meter) => Promise<void>
): Promise<Sample> {
  const profiles = server.name === 'product' ? environment.profiles : undefined
  if (profiles) await server.ask('startProfile')
  const [cpuBefore, databaseBefore] = await cpuOf(environment, server)
  const meter = new Meter()
  await task(meter)
  const [cpu, database] = await cpuOf(environment, server)
  profiles?.set(scenario, await server.ask('stopProfile'))
  return {
    ...meter.result,
    cpu: (cpu - cpuBefore) / meter.operations,
    databaseCpu: (database - databaseBefore) / meter.operations,
    bytes: meter.bytes / meter.operations,
    memory: NaN
  }
}

async function cpuOf (environment: Environment, server: Server): Promise<[number, number]> {
  const { cpu } = await server.ask('usage')
  return [cpu, await environment.databaseCpu()]
}

function median (values: number[]): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? NaN
}
