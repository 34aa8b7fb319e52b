import { Signal } from '../ui/signal.ts'
import { keptChoice, keepChoice } from '../ui/choice.ts'
import { en, type Words } from './en.ts'

export type { Words } from './en.ts'

/** Each language under its own name. */
export const languages = { en: 'English', de: 'Deutsch' }

export type Language = keyof typeof languages

/** English is part of the page. The others are loaded when they are used. */
const load: Record<Language, () => Promise<Words>> = {
  en: async () => en,
  de: async () => (await import('./de.ts')).de
}

/** All texts that a person sees, in their language. */
export const words = new Signal<Words>(en)

export const language = new Signal<Language>('en')

/** The texts as they are now. `App` renders everything again when the language changes. */
export function texts (): Words {
  return words.get()
}

export function isLanguage (text: unknown): text is Language {
  return typeof text === 'string' && Object.hasOwn(languages, text)
}

/** The first language of the browser that is here: `de` for `de-AT`. English if there is none. */
export function preferredLanguage (wanted: readonly string[]): Language {
  return wanted.map((tag) => tag.toLowerCase().split('-')[0]).find(isLanguage) ?? 'en'
}

/** The language that was chosen on this device, or that of the browser. Without its file the page is in English. */
export async function startLanguage (): Promise<void> {
  const kept = keptChoice('language')
  await show(isLanguage(kept) ? kept : preferredLanguage(navigator.languages)).catch(() => {})
}

/** Changes the language of the page, and keeps the choice on this device. */
export async function chooseLanguage (chosen: Language): Promise<void> {
  keepChoice('language', chosen)
  await show(chosen)
}

let wanted: Language = 'en'

async function show (chosen: Language): Promise<void> {
  wanted = chosen
  const loaded = await load[chosen]()
  // Another one may have been chosen meanwhile.
  if (wanted !== chosen) return
  language.set(chosen)
  words.set(loaded)
  document.documentElement.lang = chosen
}
