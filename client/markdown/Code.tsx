import { useEffect, useState } from 'react'
import { announce } from '../app/announcements.ts'
import { copyToClipboard } from '../app/clipboard.ts'
import { notify } from '../app/notices.ts'
import { Icon } from '../design/icons.tsx'
import { t } from '../texts/text.ts'
import { commandLines, isCommand, isShell } from './commands.ts'
import type { Piece } from './highlight.ts'

export type SendCommand = (command: string) => void

export async function copyText(text: string): Promise<boolean> {
  try {
    await copyToClipboard(text)
    announce(t('story.command.copied'))
    return true
  } catch {
    notify({ tone: 'fail', text: t('story.copyFailed') })
    return false
  }
}

export function CopyButton({ text, label }: { readonly text: string; readonly label?: string }) {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = window.setTimeout(() => setCopied(false), 1600)
    return () => window.clearTimeout(timer)
  }, [copied])
  return (
    <button type="button" className="code__button" onClick={async () => setCopied(await copyText(text))}>
      <Icon name={copied ? 'tick' : 'copy'} />
      {copied ? t('story.command.copied') : (label ?? t('story.command.copy'))}
    </button>
  )
}

function useHighlighted(code: string, language: string | undefined): Piece[][] | undefined {
  const [lines, setLines] = useState<Piece[][]>()
  useEffect(() => {
    if (language === undefined) return
    let gone = false
    // Without colours the code is still there to read.
    import('./highlight.ts')
      .then(({ highlight }) => highlight(code, language))
      .then((result) => !gone && setLines(result))
      .catch(() => undefined)
    return () => {
      gone = true
    }
  }, [code, language])
  return lines
}

function Pieces({ pieces, plain }: { readonly pieces: Piece[] | undefined; readonly plain: string }) {
  if (pieces === undefined) return <>{plain}</>
  return pieces.map((piece, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a line have no other identity
    <span key={index} style={piece.colour === undefined ? undefined : { color: piece.colour }}>
      {piece.text}
    </span>
  ))
}

interface CodeBlockProps {
  readonly code: string
  readonly language: string | undefined
  readonly onSend: SendCommand | undefined
}

export function CodeBlock({ code, language, onSend }: CodeBlockProps) {
  return isShell(language) ? <CommandBlock code={code} onSend={onSend} /> : <PlainBlock code={code} language={language} />
}

function PlainBlock({ code, language }: { readonly code: string; readonly language: string | undefined }) {
  const text = code.replace(/\n$/, '')
  const lines = useHighlighted(text, language)
  return (
    <figure className="code">
      <figcaption className="code__bar">
        <span className="code__language">{language ?? 'text'}</span>
        <CopyButton text={text} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre className="code__text" tabIndex={0}>
        <code>
          {text.split('\n').map((line, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines of a constant text
            <span key={index}>
              <Pieces pieces={lines?.[index]} plain={line} />
              {'\n'}
            </span>
          ))}
        </code>
      </pre>
    </figure>
  )
}

function CommandBlock({ code, onSend }: { readonly code: string; readonly onSend: SendCommand | undefined }) {
  const entries = commandLines(code)
  const coloured = useHighlighted(entries.map((entry) => entry.text).join('\n'), 'shellscript')
  const copied = entries.flatMap((entry) => entry.command ?? []).join('\n')
  let line = 0
  return (
    <figure className="code code--commands">
      <ul>
        {entries.map((entry, index) => {
          const height = entry.text.split('\n').length
          const pieces = coloured?.slice(line, line + height)
          line += height
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines of a constant text
            <li key={index} className="code__command">
              <code>
                {entry.text.split('\n').map((text, row) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: lines of a constant text
                  <span key={row} className="code__row">
                    <Pieces pieces={pieces?.[row]} plain={text} />
                  </span>
                ))}
              </code>
              {entry.command !== undefined && onSend !== undefined && <SendButton command={entry.command} onSend={onSend} />}
            </li>
          )
        })}
      </ul>
      <figcaption className="code__bar code__bar--foot">
        <CopyButton text={copied === '' ? code : copied} />
      </figcaption>
    </figure>
  )
}

function SendButton({ command, onSend }: { readonly command: string; readonly onSend: SendCommand }) {
  const label = t('story.command.send', { command })
  return (
    <button type="button" className="code__send" aria-label={label} title={label} onClick={() => onSend(command)}>
      <Icon name="send" />
    </button>
  )
}

/** A command within a sentence is its own button: the whole span types it. */
export function InlineCode({ text, onSend }: { readonly text: string; readonly onSend: SendCommand | undefined }) {
  if (onSend === undefined || !isCommand(text)) return <code className="code-span">{text}</code>
  const label = t('story.command.send', { command: text })
  const send = () => onSend(text.trim())
  return (
    // A real button cannot wrap across lines within a sentence.
    // biome-ignore lint/a11y/useSemanticElements: see above
    <span
      role="button"
      tabIndex={0}
      className="code-span code-span--command"
      aria-label={label}
      title={label}
      onClick={send}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return
        event.preventDefault()
        send()
      }}
    >
      {text}
      <Icon name="send" />
    </span>
  )
}
