import type { ReactNode } from 'react'
import { Brand } from './Brand.tsx'
import { NameForm } from './NameForm.tsx'

/** For somebody who comes by a link and was never here. */
export function WelcomePage ({ title, action, children, onReady }: {
  title: string
  action: string
  children: ReactNode
  onReady?: () => void | Promise<void>
}) {
  return (
    <main className='welcome'>
      <Brand />
      <h1>{title}</h1>
      <p>{children}</p>
      <NameForm action={action} {...(onReady === undefined ? {} : { onReady })} />
    </main>
  )
}
