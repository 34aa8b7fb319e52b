import { Brand } from './Brand.tsx'

export function NoStorage () {
  return (
    <main className='welcome'>
      <Brand />
      <h1>Nothing can be kept here</h1>
      <p>
        This browser does not let the page store anything. Without that it would lose the keys of your documents. A window that is not
        private, or another browser, will do.
      </p>
    </main>
  )
}
