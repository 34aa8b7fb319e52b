import { useState } from 'react'
import { keepChoice } from './choice.ts'
import { IconButton } from './IconButton.tsx'
import { texts } from '../words/index.ts'

type Theme = 'auto' | 'light' | 'dark'
const next: Record<Theme, Theme> = { auto: 'light', light: 'dark', dark: 'auto' }
const icons: Record<Theme, string> = { auto: 'auto', light: 'sun', dark: 'moon' }

/** The choice is applied by theme.js, before the page is painted, at the next visit. */
export function ThemeButton () {
  const [theme, setTheme] = useState<Theme>(() => document.documentElement.dataset.theme as Theme | undefined ?? 'auto')

  const change = () => {
    const chosen = next[theme]
    if (chosen === 'auto') {
      delete document.documentElement.dataset.theme
      keepChoice('theme', undefined)
    } else {
      document.documentElement.dataset.theme = chosen
      keepChoice('theme', chosen)
    }
    setTheme(chosen)
  }

  return <IconButton icon={icons[theme]} label={texts().ui.themes[theme]} className='theme-button' onClick={change} />
}
