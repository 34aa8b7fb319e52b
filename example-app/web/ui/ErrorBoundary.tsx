import { Component, type ReactNode } from 'react'
import { Brand } from '../home/Brand.tsx'
import { texts } from '../words/index.ts'

/** In the place of a page that could not be loaded or has failed. What was written is on the disk by then. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false }

  static getDerivedStateFromError () {
    return { failed: true }
  }

  override render () {
    if (!this.state.failed) return this.props.children
    return (
      <main className='welcome'>
        <Brand />
        <h1>{texts().ui.failedTitle}</h1>
        <p>{texts().ui.failed}</p>
        <button type='button' className='button primary' onClick={() => location.reload()}>{texts().tryAgain}</button>
      </main>
    )
  }
}
