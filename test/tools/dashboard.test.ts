// The Grafana dashboard: its format, and each metric that it asks for.
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parser } from '@prometheus-io/lezer-promql'
import t from 'tap'
import ts from 'typescript'
import { metrics, prometheusName, type Metric } from '../../lib/telemetry/metrics.ts'

const file = 'docs/grafana/fastify-secsync.json'
interface Panel { id: number, type: string, title: string, gridPos: { x: number, y: number, w: number, h: number }, targets?: Array<{ expr: string }> }
interface Dashboard { panels: Panel[], templating: { list: unknown[] } }
const dashboard = JSON.parse(await readFile(file, 'utf8')) as Dashboard

/** The names under which Prometheus stores a metric, with the labels that it has. */
const stored = new Map(Object.values(metrics).flatMap((metric: Metric) => {
  const name = prometheusName(metric)
  const names = metric.type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]
  return names.map((name): [string, readonly string[]] => [name, [...metric.labels, 'le']])
}))

/** The texts of the nodes of one type in a query. Throws for a query that Prometheus cannot parse. */
function find (query: string, ...types: string[]): string[] {
  // Grafana puts the interval and the variables in.
  const text = query.replaceAll('$__rate_interval', '5m')
  const found: string[] = []
  parser.parse(text).iterate({
    enter ({ type, from, to }) {
      if (type.isError) throw new Error(`${text} is no query: ${text.slice(from)}`)
      if (types.includes(type.name)) found.push(text.slice(from, to))
    }
  })
  return found
}

t.test('each query of the dashboard is valid, and asks for metrics and labels that exist', (t) => {
  t.throws(() => find('sum(rate('))
  const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  t.ok(queries.length > 25)
  const used = new Set<string>()
  for (const query of queries) {
    const names = find(query, 'Identifier').filter((name) => name.startsWith('secsync'))
    t.ok(names.length > 0, query)
    for (const name of names) {
      t.ok(stored.has(name), `${name} exists`)
      used.add(name)
    }
    const known = new Set([...names.flatMap((name) => stored.get(name) ?? []), 'job', 'instance'])
    for (const label of find(query, 'LabelName')) t.ok(known.has(label), `${names.join()} has the label ${label}`)
  }
  for (const metric of Object.values(metrics)) t.ok([...used].some((name) => name.startsWith(prometheusName(metric))), `${prometheusName(metric)} is shown`)
  const variables = JSON.stringify(dashboard.templating.list).match(/secsync_\w+/g) ?? []
  for (const name of variables) t.ok(stored.has(name), name)
  t.end()
})

t.test('panels have different ids, titles, and places', (t) => {
  const { panels } = dashboard
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  for (const [index, { title, gridPos: a }] of panels.entries()) {
    t.ok(title !== '' && a.x + a.w <= 24)
    for (const { gridPos: b, title: other } of panels.slice(index + 1)) {
      t.notOk(a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h, `${title} does not cover ${other}`)
    }
  }
  t.end()
})

t.test("the file has Grafana's type of a dashboard", async (t) => {
  const directory = t.testdir({})
  const type = resolve('node_modules/@grafana/schema/dist/esm/raw/dashboard/x/dashboard_types.gen.js')
  const errorsOf = (text: string): string[] => {
    const name = `${directory}/dashboard.ts`
    const options: ts.CompilerOptions = {
      strict: true, noEmit: true, skipLibCheck: true, types: [], module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022
    }
    const host = ts.createCompilerHost(options)
    const { getSourceFile } = host
    // The enums of the schema are texts and numbers in the file.
    const source = `
      import type { Dashboard, Panel, RowPanel } from '${type}'
      type Plain<T> = T extends string ? T | \`\${T}\` : T extends number ? number : T extends object ? { [Key in keyof T]: Plain<T[Key]> } : T
      export const dashboard: Plain<Omit<Dashboard, 'panels'>> & { panels: Array<Plain<Panel | RowPanel>> } = ${text}`
    host.getSourceFile = (file, ...rest) => file === name ? ts.createSourceFile(file, source, ts.ScriptTarget.ES2022) : getSourceFile.call(host, file, ...rest)
    host.fileExists = (file) => file === name || ts.sys.fileExists(file)
    const program = ts.createProgram([name], options, host)
    return ts.getPreEmitDiagnostics(program, program.getSourceFile(name)).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
  }
  const text = await readFile(file, 'utf8')
  t.strictSame(errorsOf(text), [])
  t.match(errorsOf(text.replace('"targets"', '"tragets"').replace('"graphTooltip": 1', '"graphTooltip": "one"')), [/not assignable/, /tragets/])
})
