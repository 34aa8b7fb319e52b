import { Brand } from './Brand.tsx'
import { texts } from '../words/index.ts'

export function NoStorage () {
  return (
    <main className='welcome'>
      <Brand />
      <h1>{texts().home.noStorageTitle}</h1>
      <p>{texts().home.noStorage}</p>
    </main>
  )
}
