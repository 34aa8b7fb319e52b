import type { Metric, Results } from './measure.ts'
import type { Scenario } from './scenarios/scenario.ts'

const width = 820
const left = 290
const right = 70
const top = 84
const rowHeight = 26
const ticks = [0.001, 0.01, 0.1, 1]

/** What is shown of a scenario: how much of it is done in a time, how much CPU it takes, or how long it takes. */
const shown: Array<[string, Metric, RegExp]> = [
  ['Saved per second', 'rate', /^(writer|documents)/],
  ['CPU per delivery', 'cpu', /^(updates|ephemeral)/],
  ['Time of a load', 'p50', /^(load|delta|storm)/]
]

/** Where the product and the peer are between nothing and the limit of the machine (logarithmic), as SVG. */
export function chart (scenarios: Scenario[], results: Results): string {
  const rows: string[] = []
  let y = top
  for (const [heading, metric, names] of shown) {
    rows.push(`<text class="heading" x="16" y="${y + 17}">${heading}</text>`)
    y += rowHeight
    for (const { name, title } of scenarios.filter(({ name }) => names.test(name))) {
      // Of time and CPU, less is better.
      const share = (ratio: number): number => metric === 'rate' ? ratio : 1 / ratio
      const product = share(results.ratio(name, 'limit', metric))
      const peer = product / share(results.ratio(name, 'peer', metric))
      if (Number.isNaN(product) || Number.isNaN(peer)) continue
      rows.push(row(title, y, x(product), x(peer), product / peer))
      y += rowHeight
    }
    y += 10
  }
  const grid = ticks.map((tick) => `<line class="${tick === 1 ? 'limit' : 'grid'}" x1="${x(tick)}" x2="${x(tick)}" y1="${top - 6}" y2="${y}"/>
<text class="tick" x="${x(tick)}" y="${top - 14}">${tick === 1 ? 'the limit' : `1/${1 / tick}`}</text>`)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y + 8}" role="img" aria-labelledby="title">
<title id="title">fastify-secsync and secsync-server, measured by a server that stores nothing</title>
<style>
svg { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; background: #fff }
text { fill: #1f2933 } .heading { font-weight: 600 } .tick { text-anchor: middle; font-size: 12px; fill: #66727f }
.grid { stroke: #e4e7eb } .limit { stroke: #9aa5b1; stroke-dasharray: 3 3 } .gap { stroke: #b8c4d0; stroke-width: 2 }
.product { fill: #2251d1 } .peer { fill: #b04a2f } .times { font-weight: 600; fill: #2251d1 }
@media (prefers-color-scheme: dark) {
  svg { background: #0d1117 } text { fill: #e6edf3 } .tick { fill: #8d96a0 } .grid { stroke: #21262d } .limit { stroke: #6e7681 }
  .gap { stroke: #484f58 } .product, .times { fill: #7aa2ff } .peer { fill: #f0916f }
}
</style>
<circle class="product" cx="22" cy="24" r="6"/><text x="34" y="28.5">fastify-secsync</text>
<circle class="peer" cx="160" cy="24" r="6"/><text x="172" y="28.5">secsync-server 0.5.0</text>
<text class="tick" x="${(left + width - right) / 2}" y="28.5">better →</text>
${[...grid, ...rows].join('\n')}
</svg>
`
}

function x (share: number): number {
  const bounded = Math.min(Math.max(share, ticks[0]!), 3)
  return round(left + (Math.log10(bounded) + 3) / (3 + Math.log10(3)) * (width - left - right))
}

function row (title: string, y: number, product: number, peer: number, times: number): string {
  const middle = y + 13
  return `<text x="28" y="${middle + 4.5}">${title}</text>
<line class="gap" x1="${peer}" x2="${product}" y1="${middle}" y2="${middle}"/>
<circle class="peer" cx="${peer}" cy="${middle}" r="5"/><circle class="product" cx="${product}" cy="${middle}" r="6"/>
<text class="times" x="${Math.max(product, peer) + 12}" y="${middle + 4.5}">${times >= 10 ? Math.round(times) : times.toPrecision(2)} ×</text>`
}

function round (value: number): number {
  return Math.round(value * 10) / 10
}
