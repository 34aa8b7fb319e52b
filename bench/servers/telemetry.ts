import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { BatchSpanProcessor, InMemorySpanExporter, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import type { SecsyncOptions } from 'fastify-secsync'
import { Registry } from 'prom-client'

/** The options `metrics` and `tracer`. Spans are thrown away. */
export function telemetryOf (name: string | undefined): Pick<SecsyncOptions, 'metrics' | 'tracer'> {
  if (name === 'prometheus') return { metrics: new Registry() }
  if (name !== 'opentelemetry') return {}
  const exporter = new InMemorySpanExporter()
  setInterval(() => exporter.reset(), 1000).unref()
  const tracers = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] })
  tracers.register()
  return { metrics: new MeterProvider().getMeter('bench'), tracer: tracers.getTracer('bench') }
}
