// The tables of the documentation that are made from the code.
import { readFileSync } from 'node:fs'
import { dirname, relative } from 'node:path/posix'
import type { TSchema } from '@sinclair/typebox'
import { RetentionSettings } from '../../lib/documents/retention.ts'
import { Limits } from '../../lib/limits.ts'
import { metrics, prometheusName, type Metric } from '../../lib/telemetry/metrics.ts'
import { anchorOf } from './anchors.ts'
import { declarationsOf, type Declaration } from './declarations.ts'

/** A table for a page, by its name. Links begin at the folder of the page. */
export const tables: Record<string, (page: string) => string> = {
  options: (page) => optionTable(page, declarationsOf('lib/options.ts', 'SecsyncOptions')),
  'history-options': (page) => optionTable(page, declarationsOf('lib/options.ts', 'HistoryOptions')),
  limits: (page) => optionTable(page, declarationsOf('lib/limits.ts', 'Limits'), Limits.properties),
  retention: (page) => optionTable(page, [
    ...declarationsOf('lib/stores/prune.ts', 'Retention'), ...declarationsOf('lib/documents/retention.ts', 'RetentionSettings')
  ], RetentionSettings.properties),
  'migrate-options': (page) => optionTable(page, declarationsOf('lib/stores/migrate.ts', 'MigrateOptions')),
  'embedded-options': (page) => optionTable(page, declarationsOf('lib/embedded/embedded-postgres.ts', 'EmbeddedPostgresOptions')),
  'client-options': (page) => optionTable(page, declarationsOf('lib/client/options.ts', 'DocumentOptions')),
  'yjs-options': (page) => optionTable(page, declarationsOf('lib/client/yjs.ts', 'YjsOptions')),
  'indexeddb-options': (page) => optionTable(page, declarationsOf('lib/client/storage/indexeddb.ts', 'IndexedDbOptions')),
  metrics: () => table(
    ['Prometheus', 'OpenTelemetry', 'type', 'labels', 'meaning'],
    Object.values<Metric>(metrics).map((metric) => [
      code(prometheusName(metric)), code(metric.name), metric.type, metric.labels.map(code).join(', '), `${metric.description}.`
    ])
  )
}

/** With a schema, type and default are those of the schema. */
function optionTable (page: string, declarations: Declaration[], schemas: Record<string, TSchema> = {}): string {
  return table(['option', 'type', 'default', 'meaning'], declarations.map((declaration) => {
    const { name, tags: { see, unit } } = declaration
    const schema = schemas[name]
    if (schema?.description !== undefined && schema.description !== declaration.meaning) throw new Error(`The comment of ${name} differs from its description`)
    return [code(name), typeOf(declaration, schema) + (unit === undefined ? '' : `, ${unit}`), defaultOf(declaration, schema),
      declaration.meaning + (see === undefined ? '' : ` See [${titleOf(see)}](${linkFrom(page, see)}).`)]
  }))
}

function typeOf ({ name, tags: { type } }: Declaration, schema: TSchema | undefined): string {
  if (schema === undefined) {
    if (type === undefined) throw new Error(`${name} has no type: add @type to its comment`)
    return type
  }
  const { minimum, maximum } = schema as { minimum?: number, maximum?: number }
  // A maximum that is only technical says nothing to a reader.
  const range = minimum === undefined ? '' : maximum === undefined || maximum >= 2 ** 31 - 1 ? ` ≥ ${number(minimum)}` : ` from ${number(minimum)} to ${number(maximum)}`
  return `${schema.type as string}${range}`
}

function defaultOf ({ isOptional, tags }: Declaration, schema: TSchema | undefined): string {
  const unit = tags.unit === 'ms' ? ' ms' : ''
  if (typeof schema?.default === 'number') return tags.unit === 'bytes' ? size(schema.default) : number(schema.default) + (schema.default === 0 ? '' : unit)
  if (tags.default !== undefined) return tags.default + (/^[\d,]+$/.test(tags.default) ? unit : '')
  return isOptional || schema !== undefined ? '' : '**required**'
}

function number (value: number): string {
  return value.toLocaleString('en-US')
}

function size (bytes: number): string {
  if (bytes === 0) return '0'
  return bytes % 2 ** 20 === 0 ? `${bytes / 2 ** 20} MiB` : `${bytes / 2 ** 10} KiB`
}

/** The heading that a link leads to. */
function titleOf (link: string): string {
  const [file = '', anchor] = link.split('#')
  const headings = [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading)
  const title = anchor === undefined ? headings[0] : headings.find((heading) => anchorOf(heading) === anchor)
  if (title === undefined) throw new Error(`${link} does not exist`)
  return title.replaceAll('`', '')
}

function linkFrom (page: string, link: string): string {
  const [file = '', anchor] = link.split('#')
  return (file === page ? '' : relative(dirname(page), file)) + (anchor === undefined ? '' : `#${anchor}`)
}

function code (text: string): string {
  return `\`${text}\``
}

function table (head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map((cell) => cell.replaceAll(' | ', ' or ')).join(' | ')} |\n`.replaceAll('|  |', '| |')).join('')
}
