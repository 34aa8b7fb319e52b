import type { ServerName } from './environment.ts'
import type { Metric, Results } from './measure.ts'

/** What the product is to reach: in words, and how far it is. */
export interface Target {
  what: string
  reached (results: Results, scenario: string): { figure: string, isMet: boolean }
}

interface Bound { atLeast?: number, atMost?: number }

/** A ratio to another server in the same scenario. */
export function compared (metric: Metric, against: ServerName, bound: Bound): Target {
  return bounded(`${metric} ${words(bound)} × ${against}`, bound, (results, scenario) => results.ratio(scenario, against, metric))
}

/** A ratio to the product itself in another scenario. */
export function flat (metric: Metric, other: string, atMost: number): Target {
  return bounded(`${metric} ${words({ atMost })} × ${other}`, { atMost },
    (results, scenario) => results.figure(scenario, 'product', metric) / results.figure(other, 'product', metric))
}

/** Bytes per connection beyond what Fastify and `ws` take. */
export function memory (atMost: number): Target {
  return {
    what: `memory ≤ ${atMost / 1000} KB more than Fastify and ws`,
    reached (results, scenario) {
      const more = results.figure(scenario, 'product', 'memory') - results.figure(scenario, 'idle', 'memory')
      return { figure: `${(more / 1000).toFixed(1)} KB`, isMet: more <= atMost }
    }
  }
}

function bounded (what: string, { atLeast = -Infinity, atMost = Infinity }: Bound,
  figureOf: (results: Results, scenario: string) => number): Target {
  return {
    what,
    reached (results, scenario) {
      const figure = figureOf(results, scenario)
      return { figure: `${Number(figure.toPrecision(2))}`, isMet: figure >= atLeast && figure <= atMost }
    }
  }
}

function words ({ atLeast, atMost }: Bound): string {
  return atLeast === undefined ? `≤ ${Number(atMost!.toPrecision(2))}` : `≥ ${atLeast}`
}
