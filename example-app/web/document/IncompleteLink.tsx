import { Brand } from '../home/Brand.tsx'
import { texts } from '../words/index.ts'

export function IncompleteLink () {
  return (
    <main className='welcome'>
      <Brand />
      <h1>{texts().join.incompleteTitle}</h1>
      <p>{texts().join.incomplete}</p>
    </main>
  )
}
