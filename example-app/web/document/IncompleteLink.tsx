import { Brand } from '../home/Brand.tsx'

export function IncompleteLink () {
  return (
    <main className='welcome'>
      <Brand />
      <h1>This link is incomplete</h1>
      <p>Its end is missing, and that is where the key is. Ask for the link again, and copy all of it.</p>
    </main>
  )
}
