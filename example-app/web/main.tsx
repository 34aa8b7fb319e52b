import '@fontsource-variable/inter'
import '@fontsource-variable/source-serif-4'
import './styles/base.css'
import './styles/controls.css'
import './styles/home.css'
import { createRoot } from 'react-dom/client'
import { App } from './App.tsx'
import { NoStorage } from './home/NoStorage.tsx'
import { loadDocuments } from './device/documents.ts'
import { loadProfile } from './profile/profile.ts'
import { loadSession } from './session.ts'
import { startBackground } from './sync/background.ts'
import { startLanguage } from './words/index.ts'

const place = document.getElementById('app')
if (place !== null) createRoot(place).render(await loaded() ? <App /> : <NoStorage />)

async function loaded (): Promise<boolean> {
  const data = Promise.all([loadSession(), loadDocuments(), loadProfile()]).then(() => true, () => false)
  await startLanguage()
  return await data
}

if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  void navigator.serviceWorker.register('/service-worker.js')
  void startBackground().catch(() => {})
}
