import type { Profiler } from 'node:inspector'

/** The functions of a CPU profile with their share of the time that the process was busy, biggest first. */
export function summary ({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): string {
  const names = new Map(nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
    const file = url.replace(/^.*\/(node_modules|dist)\//, '')
    return [id, `${functionName || '(anonymous)'} ${file}${file && `:${lineNumber + 1}`}`]
  }))
  const times = new Map<string, number>()
  let busy = 0
  samples.forEach((id, index) => {
    const name = names.get(id)!
    if (name.startsWith('(idle)')) return
    times.set(name, (times.get(name) ?? 0) + timeDeltas[index]!)
    busy += timeDeltas[index]!
  })
  return [...times].sort(([, a], [, b]) => b - a).slice(0, 50)
    .map(([name, time]) => `${(time / busy * 100).toFixed(1).padStart(5)} %  ${name}`).join('\n')
}
