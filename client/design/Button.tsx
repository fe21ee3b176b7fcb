import type { ButtonHTMLAttributes, ReactNode, Ref } from 'react'

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly look?: 'primary' | 'plain' | 'quiet' | 'danger'
  readonly small?: boolean
  readonly wide?: boolean
  readonly icon?: ReactNode
  readonly ref?: Ref<HTMLButtonElement>
}

export function Button({ look = 'plain', small, wide, icon, className, children, ...rest }: ButtonProps) {
  const names = ['button', `button--${look}`, small && 'button--small', wide && 'button--wide', className]
  return (
    <button type="button" className={names.filter(Boolean).join(' ')} {...rest}>
      {icon}
      {children}
    </button>
  )
}

interface IconButtonProps extends Omit<ButtonProps, 'children' | 'icon'> {
  /** The name for screen readers and the tooltip. */
  readonly label: string
  readonly keys?: string
  readonly children: ReactNode
}

export function IconButton({ label, keys, look = 'quiet', className, children, ...rest }: IconButtonProps) {
  return (
    <Button
      look={look}
      aria-label={label}
      title={keys === undefined ? label : `${label} (${keys})`}
      className={['button--icon', className].filter(Boolean).join(' ')}
      {...rest}
    >
      {children}
    </Button>
  )
}
