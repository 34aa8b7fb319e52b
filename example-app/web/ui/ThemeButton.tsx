import { useState } from 'react'
import { IconButton } from './IconButton.tsx'

type Theme = 'auto' | 'light' | 'dark'
const next: Record<Theme, Theme> = { auto: 'light', light: 'dark', dark: 'auto' }
const looks: Record<Theme, { icon: string, label: string }> = {
  auto: { icon: 'auto', label: 'Colours: as the device' },
  light: { icon: 'sun', label: 'Colours: light' },
  dark: { icon: 'moon', label: 'Colours: dark' }
}

/** The choice is applied by theme.js, before the page is painted, at the next visit. */
export function ThemeButton () {
  const [theme, setTheme] = useState<Theme>(() => document.documentElement.dataset.theme as Theme | undefined ?? 'auto')

  const change = () => {
    const chosen = next[theme]
    if (chosen === 'auto') {
      delete document.documentElement.dataset.theme
      localStorage.removeItem('theme')
    } else {
      document.documentElement.dataset.theme = chosen
      localStorage.setItem('theme', chosen)
    }
    setTheme(chosen)
  }

  return <IconButton {...looks[theme]} className='theme-button' onClick={change} />
}
