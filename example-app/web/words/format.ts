import { language, words } from './index.ts'

// Dates and numbers as the language writes them, and as the country of the browser does: 30/11/2026 for `en-GB`.

function locale (): string {
  const tags = typeof navigator === 'undefined' ? [] : navigator.languages ?? []
  return tags.find((tag) => tag.toLowerCase().split('-')[0] === language.get()) ?? language.get()
}

const units: Array<[Intl.RelativeTimeFormatUnit, number]> = [['day', 86_400], ['hour', 3600], ['minute', 60]]

/** A time in milliseconds as "2 hours ago". */
export function ago (time: number): string {
  const seconds = (Date.now() - time) / 1000
  for (const [unit, length] of units) {
    if (seconds >= length) return new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' }).format(-Math.floor(seconds / length), unit)
  }
  return words.get().justNow
}

/** A day, from milliseconds or ISO 8601. */
export function day (time: number | string): string {
  return new Date(time).toLocaleDateString(locale(), { dateStyle: 'medium' })
}

/** A day with its time. */
export function moment (time: number | string): string {
  return new Date(time).toLocaleString(locale(), { dateStyle: 'medium', timeStyle: 'short' })
}

/** A time of the day, with seconds. */
export function timeOfDay (time: number): string {
  return new Date(time).toLocaleTimeString(locale())
}

export function number (value: number): string {
  return new Intl.NumberFormat(locale()).format(value)
}

export function size (bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  const [value, unit] = bytes < 1_000_000 ? [bytes / 1000, 'kB'] : [bytes / 1_000_000, 'MB']
  return `${new Intl.NumberFormat(locale(), { minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(value)} ${unit}`
}

/** Names in one text: "Ana, Ben". */
export function list (names: string[]): string {
  return names.join(', ')
}
