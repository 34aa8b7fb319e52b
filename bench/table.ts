import type { ServerName } from './environment.ts'
import type { Metric, Results } from './measure.ts'
import type { Scenario } from './scenarios/scenario.ts'

const columns: Array<[string, ServerName, Metric]> = [
  ['rate / limit', 'limit', 'rate'],
  ['p50', 'limit', 'p50'],
  ['p99', 'limit', 'p99'],
  ['CPU', 'limit', 'cpu'],
  ['bytes', 'limit', 'bytes'],
  ['memory', 'limit', 'memory'],
  ['rate / peer', 'peer', 'rate'],
  ['p50', 'peer', 'p50'],
  ['p99', 'peer', 'p99'],
  ['CPU', 'peer', 'cpu'],
  ['memory', 'peer', 'memory']
]

/** One line for each scenario: the product's figures by those of the limit, then of the peer, and its targets. In Markdown. */
export function table (scenarios: Scenario[], results: Results): string {
  const rows = scenarios.map(({ name, title, targets }) => [
    title,
    ...columns.map(([, server, metric]) => ratio(results.ratio(name, server, metric))),
    targets.map(({ what, reached }) => {
      const { figure, isMet } = reached(results, name)
      return `${isMet ? '✓' : '✗'} ${what}: ${figure}`
    }).join('; ')
  ])
  const lines = [['', ...columns.map(([title]) => title), 'target'], ...rows]
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  const isNumber = (column: number): boolean => column > 0 && column <= columns.length
  const text = lines.map((line) =>
    `| ${line.map((cell, column) => isNumber(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)).join(' | ')} |`)
  const rule = `| ${widths.map((width, column) => isNumber(column) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)).join(' | ')} |`
  return [text[0], rule, ...text.slice(1)].join('\n')
}

function ratio (value: number): string {
  if (!Number.isFinite(value)) return ''
  return value >= 10 ? Math.round(value).toLocaleString('en') : value.toPrecision(2)
}
