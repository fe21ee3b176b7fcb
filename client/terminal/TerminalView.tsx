import { FitAddon } from '@xterm/addon-fit'
import { SearchAddon } from '@xterm/addon-search'
import { Unicode11Addon } from '@xterm/addon-unicode11'
import { WebLinksAddon } from '@xterm/addon-web-links'
import { Terminal } from '@xterm/xterm'
import { useEffect, useRef, useState } from 'react'
import '@xterm/xterm/css/xterm.css'
import type { Refusal } from '../../protocol/errors.ts'
import { announce } from '../app/announcements.ts'
import { copyToClipboard } from '../app/clipboard.ts'
import { notify } from '../app/notices.ts'
import { useStore } from '../app/store.ts'
import { useSeenTheme } from '../app/theme.ts'
import { useConnection } from '../connection/wire.ts'
import { Button } from '../design/Button.tsx'
import { Notice } from '../design/Notice.tsx'
import { commands } from '../palette/commands.ts'
import { matches, opensPalette } from '../palette/shortcuts.ts'
import { t } from '../texts/text.ts'
import { type Attachment, attach } from './attachment.ts'
import { useDesk } from './desk.ts'
import { SearchBar } from './SearchBar.tsx'
import { fontSize, screenReader } from './settings.ts'
import { terminalThemes } from './themes.ts'

interface TerminalViewProps {
  readonly session: string
  readonly id: string
  readonly name: string
  readonly focused: boolean
}

interface Parts {
  readonly terminal: Terminal
  readonly fit: FitAddon
  readonly search: SearchAddon
  readonly attachment: Attachment
}

/** One terminal: xterm on one side, the session's shell on the other. */
export default function TerminalView({ session, id, name, focused }: TerminalViewProps) {
  const host = useRef<HTMLDivElement>(null)
  const parts = useRef<Parts>(undefined)
  const [finding, setFinding] = useState(false)
  const [refusal, setRefusal] = useState<Refusal>()
  const { wire } = useConnection()
  const desk = useDesk()
  const seen = useSeenTheme()
  const size = useStore(fontSize)
  const reader = useStore(screenReader)

  // biome-ignore lint/correctness/useExhaustiveDependencies: theme, size and reader mode change in the effects below, without a new terminal
  useEffect(() => {
    const element = host.current!
    const terminal = new Terminal({
      allowProposedApi: true,
      cursorBlink: !window.matchMedia('(prefers-reduced-motion: reduce)').matches,
      cursorInactiveStyle: 'outline',
      fontFamily: getComputedStyle(element).getPropertyValue('--font-mono'),
      fontSize: size,
      lineHeight: 1.25,
      minimumContrastRatio: 4.5,
      rightClickSelectsWord: false,
      screenReaderMode: reader,
      scrollback: 5000,
      theme: terminalThemes[seen],
    })
    const fit = new FitAddon()
    const search = new SearchAddon()
    terminal.loadAddon(fit)
    terminal.loadAddon(search)
    terminal.loadAddon(new Unicode11Addon())
    terminal.loadAddon(new WebLinksAddon((_, address) => window.open(address, '_blank', 'noopener,noreferrer')))
    terminal.unicode.activeVersion = '11'
    terminal.open(element)
    if (element.clientWidth > 0) fit.fit()
    terminal.attachCustomKeyEventHandler((event) => keepsForTerminal(event, terminal))

    const attachment = attach({
      wire,
      session,
      terminal: id,
      screen: {
        get columns() {
          return terminal.cols
        },
        get rows() {
          return terminal.rows
        },
        write: (data, drawn) => terminal.write(data, drawn),
        // Through the same queue as the output (RIS), so that what came before cannot be drawn after it.
        clear: () => terminal.write('\x1bc'),
      },
      onPhase: (phase) => {
        if (phase === 'open') setRefusal(undefined)
      },
      onExit(code) {
        const text = t('terminal.exited', { code })
        terminal.write(`\r\n\x1b[90m${text}\x1b[0m\r\n`)
        announce(text)
      },
      onRefusal: setRefusal,
      onFull: () => notify({ tone: 'fail', text: t('terminal.full') }),
    })
    const typed = terminal.onData((data) => attachment.type(data))
    // Old mouse reports come as bytes beyond ASCII; in UTF-8 they are the same characters.
    const raw = terminal.onBinary((data) => attachment.type(data))
    let timer: number | undefined
    const resized = terminal.onResize(({ cols, rows }) => {
      window.clearTimeout(timer)
      timer = window.setTimeout(() => attachment.resize(cols, rows), 60)
    })
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0 && element.clientHeight > 0) fit.fit()
    })
    observer.observe(element)
    const leave = desk.register(id, {
      type: (text) => attachment.type(text),
      focus: () => terminal.focus(),
      find: () => setFinding(true),
    })
    // A person who has just come has nothing else to do first than to type; whoever is elsewhere already stays there.
    if (document.activeElement === document.body && element.clientWidth > 0) terminal.focus()
    parts.current = { terminal, fit, search, attachment }
    return () => {
      leave()
      observer.disconnect()
      window.clearTimeout(timer)
      typed.dispose()
      raw.dispose()
      resized.dispose()
      attachment[Symbol.dispose]()
      terminal.dispose()
      parts.current = undefined
    }
  }, [desk, id, session, wire])

  useEffect(() => {
    const now = parts.current
    if (now === undefined) return
    now.terminal.options.theme = terminalThemes[seen]
    now.terminal.options.fontSize = size
    now.terminal.options.screenReaderMode = reader
    if (host.current!.clientWidth > 0) now.fit.fit()
  }, [seen, size, reader])

  useEffect(() => {
    const field = host.current?.querySelector('textarea')
    field?.setAttribute('aria-label', t('terminal.label', { name, keys: 'Alt+Shift+L' }))
  }, [name])

  return (
    <div className={focused ? 'terminal terminal--focused' : 'terminal'}>
      {finding && parts.current !== undefined && (
        <SearchBar
          name={name}
          search={parts.current.search}
          onClose={() => {
            setFinding(false)
            parts.current?.search.clearDecorations()
            parts.current?.terminal.clearSelection()
            parts.current?.terminal.focus()
          }}
        />
      )}
      <div className="terminal__host" ref={host} />
      {refusal !== undefined && (
        <div className="terminal__refusal" role="alert">
          <Notice
            tone="fail"
            text={refusal.error.message}
            mend={refusal.error.mend}
            actions={
              <Button small onClick={() => parts.current?.attachment.reopen()}>
                {t('terminal.refused.retry')}
              </Button>
            }
          />
        </div>
      )}
    </div>
  )
}

/** False keeps a key from the shell: copy, paste, and the page's own chords. */
function keepsForTerminal(event: KeyboardEvent, terminal: Terminal): boolean {
  if (event.type !== 'keydown') return true
  if (matches('Ctrl+Shift+C', event)) {
    event.preventDefault()
    if (terminal.hasSelection()) copyToClipboard(terminal.getSelection()).catch(() => notify({ tone: 'fail', text: t('story.copyFailed') }))
    return false
  }
  // The browser pastes by itself, without asking for leave, and xterm takes it from there.
  if (matches('Ctrl+Shift+V', event)) return false
  if (opensPalette(event, true)) return false
  return !commands.get().some((command) => command.keys !== undefined && matches(command.keys, event))
}
