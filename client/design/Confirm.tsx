import { AlertDialog } from '@base-ui/react/alert-dialog'
import { t } from '../texts/text.ts'
import { Button } from './Button.tsx'

interface ConfirmProps {
  readonly open: boolean
  readonly title: string
  readonly text: string
  readonly action: string
  readonly danger?: boolean
  readonly onConfirm: () => void
  readonly onClose: () => void
}

/** Asks before something that cannot be taken back. Escape and "Cancel" change nothing. */
export function Confirm({ open, title, text, action, danger, onConfirm, onClose }: ConfirmProps) {
  return (
    <AlertDialog.Root open={open} onOpenChange={(now) => !now && onClose()}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="dialog__veil" />
        <AlertDialog.Popup className="dialog">
          <AlertDialog.Title className="dialog__title">{title}</AlertDialog.Title>
          <AlertDialog.Description className="dialog__text">{text}</AlertDialog.Description>
          <div className="dialog__actions">
            <Button onClick={onClose}>{t('confirm.cancel')}</Button>
            <Button
              look={danger ? 'danger' : 'primary'}
              onClick={() => {
                onClose()
                onConfirm()
              }}
            >
              {action}
            </Button>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  )
}
