import { Dialog } from '@base-ui/react/dialog'
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import { createStore, useStore } from '../app/store.ts'
import { Icon } from '../design/icons.tsx'
import { t } from '../texts/text.ts'
import { commands } from './commands.ts'
import { findCommands } from './find.ts'
import { inTerminal, keysText, matches, opensPalette } from './shortcuts.ts'
import './palette.css'

export const paletteOpen = createStore(false)

export function CommandPalette() {
  const open = useStore(paletteOpen)
  useEffect(() => {
    const pressed = (event: globalThis.KeyboardEvent) => {
      if (opensPalette(event, inTerminal(event.target))) {
        event.preventDefault()
        paletteOpen.set(!paletteOpen.get())
        return
      }
      if (paletteOpen.get()) return
      const command = commands.get().find((other) => other.keys !== undefined && matches(other.keys, event))
      if (command === undefined) return
      event.preventDefault()
      command.run()
    }
    window.addEventListener('keydown', pressed)
    return () => window.removeEventListener('keydown', pressed)
  }, [])
  return (
    <Dialog.Root open={open} onOpenChange={(now) => paletteOpen.set(now)}>
      <Dialog.Portal>
        <Dialog.Backdrop className="dialog__veil" />
        <Dialog.Popup className="dialog palette">
          <Dialog.Title className="out-of-sight">{t('palette.title')}</Dialog.Title>
          <Choice />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

function Choice() {
  const all = useStore(commands)
  const [query, setQuery] = useState('')
  const [at, setAt] = useState(0)
  const list = useRef<HTMLDivElement>(null)
  const id = useId()
  const found = findCommands(all, query)
  const chosen = Math.min(at, found.length - 1)

  useEffect(() => {
    list.current?.children[chosen]?.scrollIntoView({ block: 'nearest' })
  }, [chosen])

  function run(index: number) {
    const command = found[index]
    if (command === undefined) return
    paletteOpen.set(false)
    // After the dialog has given the focus back, for the command may move it.
    window.setTimeout(command.run, 0)
  }

  function pressed(event: KeyboardEvent) {
    const moves: Record<string, number> = { ArrowDown: chosen + 1, ArrowUp: chosen - 1 }
    const to = moves[event.key]
    if (to !== undefined && found.length > 0) {
      event.preventDefault()
      setAt((to + found.length) % found.length)
    } else if (event.key === 'Enter') {
      event.preventDefault()
      run(chosen)
    }
  }

  return (
    <>
      <div className="palette__field">
        <Icon name="command" />
        <input
          type="text"
          role="combobox"
          aria-expanded="true"
          aria-controls={`${id}-list`}
          aria-activedescendant={found.length > 0 ? `${id}-${chosen}` : undefined}
          aria-label={t('palette.placeholder')}
          placeholder={t('palette.placeholder')}
          value={query}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => {
            setQuery(event.target.value)
            setAt(0)
          }}
          onKeyDown={pressed}
        />
      </div>
      <div className="palette__list" role="listbox" id={`${id}-list`} aria-label={t('palette.title')} ref={list}>
        {found.map((command, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keyboard
          // biome-ignore lint/a11y/useFocusableInteractive: named by aria-activedescendant
          <div
            key={command.id}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === chosen}
            className="palette__item"
            onPointerMove={() => setAt(index)}
            onClick={() => run(index)}
          >
            <span>{command.title}</span>
            {command.keys !== undefined && <kbd className="menu__keys">{keysText(command.keys)}</kbd>}
          </div>
        ))}
      </div>
      {found.length === 0 && <p className="palette__none">{t('palette.none')}</p>}
      <p className="palette__hint">{t('palette.hint')}</p>
    </>
  )
}
