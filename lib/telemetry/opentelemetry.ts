import { GaugeSums, metricsOf, type CounterName, type HistogramName, type Meter, type Metric } from './metrics.ts'

interface Attributes { [name: string]: string | number | boolean | undefined }

interface Options { description?: string, unit?: string, advice?: { explicitBucketBoundaries?: number[] } }

/** The part of a meter of @opentelemetry/api 1.x that is used. */
export interface OpenTelemetryMeter {
  createCounter (name: string, options?: Options): { add (value: number, attributes?: Attributes): void }
  createHistogram (name: string, options?: Options): { record (value: number, attributes?: Attributes): void }
  createObservableGauge (name: string, options?: Options): { addCallback (callback: (result: { observe (value: number): void }) => void): void }
}

/** The part of a span of @opentelemetry/api 1.x that is used. */
export interface OpenTelemetrySpan {
  spanContext (): { traceId: string, spanId: string, traceFlags: number }
  setAttributes (attributes: Attributes): unknown
  setStatus (status: { code: number, message?: string }): unknown
  recordException (exception: Error): void
  end (): void
}

/** The part of a tracer of @opentelemetry/api 1.x that is used. */
export interface OpenTelemetryTracer {
  startActiveSpan<T> (name: string, options: { root?: boolean, links?: Array<{ context: ReturnType<OpenTelemetrySpan['spanContext']> }> }, fn: (span: OpenTelemetrySpan) => T): T
}

export function openTelemetryMeter (meter: OpenTelemetryMeter): Meter {
  const sums = new GaugeSums()
  const counters = new Map<CounterName, ReturnType<OpenTelemetryMeter['createCounter']>>()
  const histograms = new Map<HistogramName, ReturnType<OpenTelemetryMeter['createHistogram']>>()
  for (const [name, metric] of metricsOf('counter')) counters.set(name, meter.createCounter(metric.name, optionsOf(metric)))
  for (const [name, metric] of metricsOf('histogram')) {
    histograms.set(name, meter.createHistogram(metric.name, { ...optionsOf(metric), advice: { explicitBucketBoundaries: [...metric.buckets ?? []] } }))
  }
  for (const [name, metric] of metricsOf('gauge')) {
    meter.createObservableGauge(metric.name, optionsOf(metric)).addCallback((result) => result.observe(sums.read(name)))
  }
  return {
    count (name, labels, by = 1) { counters.get(name)?.add(by, labels) },
    observe (name, value, labels) { histograms.get(name)?.record(value, labels) },
    addGauges: (gauges) => sums.add(gauges)
  }
}

function optionsOf ({ description, unit }: Metric): Options {
  return { description, unit }
}
