import { useId } from 'react'
import { chooseLanguage, isLanguage, language, languages, texts } from '../words/index.ts'
import { useSignal } from '../ui/signal.ts'

/** The language of the page. Each is listed under its own name. */
export function LanguageChoice () {
  const chosen = useSignal(language)
  const field = useId()

  // A language that cannot be loaded leaves the page as it is.
  const choose = (value: string) => { if (isLanguage(value)) void chooseLanguage(value).catch(() => {}) }

  return (
    <>
      <label htmlFor={field}>{texts().ui.language}</label>
      <select id={field} className='field' value={chosen} onChange={(event) => choose(event.target.value)}>
        {Object.entries(languages).map(([tag, name]) => <option key={tag} value={tag} lang={tag}>{name}</option>)}
      </select>
    </>
  )
}
