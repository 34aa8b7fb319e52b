import type { ButtonHTMLAttributes } from 'react'
import { Icon } from './Icon.tsx'

export function IconButton ({ icon, label, hint, className = '', ...rest }: {
  icon: string
  label: string
  /** Shown with the label on hover: a keyboard shortcut. */
  hint?: string | undefined
} & ButtonHTMLAttributes<HTMLButtonElement>) {
  return (
    <button type='button' className={`icon-button ${className}`} aria-label={label} title={hint === undefined ? label : `${label} (${hint})`} {...rest}>
      <Icon name={icon} />
    </button>
  )
}
