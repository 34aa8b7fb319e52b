import { OptionInvalid } from '../errors.ts'
import { GaugeSums, metricsOf, prometheusName, type CounterName, type HistogramName, type Meter, type PrometheusRegistry } from './metrics.ts'

/** An optional peer dependency. */
const importPromClient = () => import('prom-client')

export async function prometheusMeter (registry: PrometheusRegistry, importClient = importPromClient): Promise<Meter> {
  const { Counter, Gauge, Histogram } = await importClient().catch((cause: unknown) => {
    throw Object.assign(new OptionInvalid('metrics', 'needs the npm package prom-client. Install it'), { cause })
  })
  const sums = new GaugeSums()
  const counters = new Map<CounterName, InstanceType<typeof Counter>>()
  const histograms = new Map<HistogramName, InstanceType<typeof Histogram>>()
  const optionsOf = (metric: Parameters<typeof prometheusName>[0]) =>
    ({ name: prometheusName(metric), help: metric.description, labelNames: [...metric.labels], registers: [registry as never] })
  for (const [name, metric] of metricsOf('counter')) counters.set(name, new Counter(optionsOf(metric)))
  for (const [name, metric] of metricsOf('histogram')) histograms.set(name, new Histogram({ ...optionsOf(metric), buckets: [...metric.buckets ?? []] }))
  for (const [name, metric] of metricsOf('gauge')) {
    const gauge: InstanceType<typeof Gauge> = new Gauge({ ...optionsOf(metric), collect: () => { gauge.set(sums.read(name)) } })
  }
  return {
    count (name, labels, by = 1) { counters.get(name)?.inc(labels, by) },
    observe (name, value, labels) { histograms.get(name)?.observe(labels, value) },
    addGauges: (gauges) => sums.add(gauges)
  }
}
