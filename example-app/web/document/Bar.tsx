import type { ReactNode } from 'react'
import { Icon } from '../ui/Icon.tsx'

/** Words above the document, with what can be done about them. */
export function Bar ({ icon, tone, action, children }: { icon: string, tone: 'bad' | 'plain', action?: ReactNode, children: ReactNode }) {
  return (
    <div className={`notice ${tone}`} role='alert'>
      <Icon name={icon} />
      <p>{children}</p>
      {action}
    </div>
  )
}
