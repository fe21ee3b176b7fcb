import type { Refusal } from '../../protocol/errors.ts'
import type { TerminalOpened } from '../../protocol/socket.ts'

/**
 * One terminal's connection as a pure machine: events in, a new state and effects out. It follows protocol/socket.ts: output is
 * counted in bytes since the terminal's opening, so that after a reconnect only what is missing is asked for; input is numbered,
 * kept until confirmed and sent again, so that nothing typed is lost or typed twice.
 */
export interface Link {
  readonly phase: 'offline' | 'opening' | 'open' | 'exited' | 'refused'
  /** Grows when the screen is cleared; bytes drawn in an earlier epoch no longer count. */
  readonly epoch: number
  /** Offset of the next byte expected; undefined until the server has said where it is. */
  readonly received: number | undefined
  readonly drawn: number
  readonly acknowledged: number
  readonly nextSequence: number
  readonly typed: readonly Typed[]
  /** Output that came before the answer to `open`. */
  readonly early: readonly { readonly offset: number; readonly data: Uint8Array }[]
}

export interface Typed {
  readonly sequence: number
  readonly data: string
  readonly sent: boolean
}

export type LinkEvent =
  | { readonly type: 'connected' }
  | { readonly type: 'disconnected' }
  | { readonly type: 'opened'; readonly result: TerminalOpened }
  | { readonly type: 'refused'; readonly refusal: Refusal }
  | { readonly type: 'output'; readonly offset: number; readonly data: Uint8Array }
  | { readonly type: 'drawn'; readonly epoch: number; readonly upTo: number }
  | { readonly type: 'typed'; readonly data: string }
  | { readonly type: 'confirmed'; readonly sequence: number }
  | { readonly type: 'exited'; readonly code: number }

export type LinkEffect =
  | { readonly type: 'open'; readonly have: number | undefined }
  | { readonly type: 'clear' }
  | { readonly type: 'write'; readonly data: Uint8Array | string; readonly upTo: number; readonly epoch: number }
  | { readonly type: 'acknowledge'; readonly offset: number }
  | { readonly type: 'send'; readonly sequence: number; readonly data: string }
  | { readonly type: 'exit'; readonly code: number }
  | { readonly type: 'refuse'; readonly refusal: Refusal }
  | { readonly type: 'full' }

export type Step = readonly [Link, readonly LinkEffect[]]

/** Bytes drawn before the server is told, unless everything has been drawn anyway: few messages in a flood, none late at rest. */
export const acknowledgeEvery = 16 * 1024
/** Characters kept for a server that does not answer: any paste a person means, but not a memory full. */
export const typedLimit = 1024 * 1024
/** Characters in one message; the server takes four times as many. */
export const partLimit = 16 * 1024

export const closedLink: Link = {
  phase: 'offline',
  epoch: 0,
  received: undefined,
  drawn: 0,
  acknowledged: 0,
  nextSequence: 1,
  typed: [],
  early: [],
}

export function step(link: Link, event: LinkEvent): Step {
  switch (event.type) {
    case 'connected':
      return link.phase === 'exited' ? [link, []] : opening(link, link.received)
    case 'disconnected':
      return link.phase === 'exited' ? [link, []] : [{ ...link, phase: 'offline', early: [] }, []]
    case 'opened':
      return link.phase === 'opening' ? opened(link, event.result) : [link, []]
    case 'refused':
      return [{ ...link, phase: 'refused' }, [{ type: 'refuse', refusal: event.refusal }]]
    case 'output':
      return output(link, event.offset, event.data)
    case 'drawn':
      return drawn(link, event.epoch, event.upTo)
    case 'typed':
      return typed(link, event.data)
    case 'confirmed':
      return [{ ...link, typed: link.typed.filter((item) => item.sequence !== event.sequence) }, []]
    case 'exited':
      // What was typed for the old shell must not run in a new one.
      return [{ ...link, phase: 'exited', typed: [], early: [] }, [{ type: 'exit', code: event.code }]]
  }
}

function opening(link: Link, have: number | undefined): Step {
  return [{ ...link, phase: 'opening', received: have, early: [] }, [{ type: 'open', have }]]
}

function opened(link: Link, { offset, screen }: TerminalOpened): Step {
  const first = link.received === undefined
  // A server that goes on from elsewhere without a screen has a new terminal: the old picture would be a lie.
  const clear = screen !== undefined || (!first && offset !== link.received)
  const epoch = clear || first ? link.epoch + 1 : link.epoch
  const effects: LinkEffect[] = clear ? [{ type: 'clear' }] : []
  if (screen !== undefined) effects.push({ type: 'write', data: screen, upTo: offset, epoch })
  const at = clear || first ? { drawn: screen === undefined ? offset : 0, acknowledged: screen === undefined ? offset : 0 } : {}
  for (const item of link.typed) effects.push({ type: 'send', sequence: item.sequence, data: item.data })
  let next: Link = {
    ...link,
    ...at,
    phase: 'open',
    epoch,
    received: offset,
    typed: link.typed.map((item) => ({ ...item, sent: true })),
    early: [],
  }
  for (const { offset: from, data } of link.early) {
    const [after, more] = output(next, from, data)
    next = after
    effects.push(...more)
  }
  return [next, effects]
}

function output(link: Link, offset: number, data: Uint8Array): Step {
  if (link.phase === 'opening') return [{ ...link, early: [...link.early, { offset, data }] }, []]
  if ((link.phase !== 'open' && link.phase !== 'exited') || link.received === undefined) return [link, []]
  if (offset > link.received) return opening(link, link.received)
  const fresh = data.subarray(link.received - offset)
  if (fresh.length === 0) return [link, []]
  const upTo = link.received + fresh.length
  return [{ ...link, received: upTo }, [{ type: 'write', data: fresh, upTo, epoch: link.epoch }]]
}

function drawn(link: Link, epoch: number, upTo: number): Step {
  if (epoch !== link.epoch || upTo <= link.drawn) return [link, []]
  const next = { ...link, drawn: upTo }
  const due = upTo === link.received || upTo - link.acknowledged >= acknowledgeEvery
  if (link.phase !== 'open' || !due) return [next, []]
  return [{ ...next, acknowledged: upTo }, [{ type: 'acknowledge', offset: upTo }]]
}

function typed(link: Link, data: string): Step {
  if (link.phase === 'exited' || link.phase === 'refused') {
    if (!data.includes('\r')) return [link, []]
    return opening(link, undefined)
  }
  const waiting = link.typed.reduce((sum, item) => sum + item.data.length, 0)
  if (waiting + data.length > typedLimit) return [link, [{ type: 'full' }]]
  const sent = link.phase === 'open'
  const tail = link.typed.at(-1)
  if (!sent && tail !== undefined && !tail.sent && tail.data.length + data.length <= partLimit) {
    // Never sent, so it may still grow: one message for a line typed offline.
    return [{ ...link, typed: [...link.typed.slice(0, -1), { ...tail, data: tail.data + data }] }, []]
  }
  const items = partsOf(data).map((part, index) => ({ sequence: link.nextSequence + index, data: part, sent }))
  return [
    { ...link, nextSequence: link.nextSequence + items.length, typed: [...link.typed, ...items] },
    sent ? items.map((item) => ({ type: 'send', sequence: item.sequence, data: item.data })) : [],
  ]
}

/** Cuts between characters, never within a surrogate pair. */
function partsOf(data: string): string[] {
  const parts: string[] = []
  for (let from = 0; from < data.length; ) {
    let to = Math.min(data.length, from + partLimit)
    const last = data.charCodeAt(to - 1)
    if (to < data.length && last >= 0xd800 && last <= 0xdbff) to -= 1
    parts.push(data.slice(from, to))
    from = to
  }
  return parts
}
