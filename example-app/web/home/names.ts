import type { Words } from '../words/index.ts'

function pick (words: string[]): string {
  return words[Math.floor(Math.random() * words.length)] ?? ''
}

/** A name for those who do not want to think of one. */
export function suggestName ({ home: { names } }: Words): string {
  return `${pick(names.first)} ${pick(names.second)}`
}
