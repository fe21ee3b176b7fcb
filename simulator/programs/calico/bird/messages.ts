/** What two BIRDs tell each other. It crosses the network as lines of JSON and not in BGP's own bytes. */
export type BgpMessage =
  | { readonly type: 'open'; readonly as: number }
  /** All that the sender has to offer, in place of what it said before. */
  | { readonly type: 'routes'; readonly nets: readonly string[] }
  | { readonly type: 'notification'; readonly text: string }

export function encoded(message: BgpMessage): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(message)}\n`)
}

/** Takes bytes as they come and calls `received` with each whole message; `broken` where it is none. */
export function decoder(received: (message: BgpMessage) => void, broken: () => void): (bytes: Uint8Array) => void {
  let rest = ''
  return (bytes) => {
    const lines = (rest + new TextDecoder().decode(bytes)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const message = parsed(line)
      if (!message) return broken()
      received(message)
    }
  }
}

function parsed(line: string): BgpMessage | undefined {
  try {
    const message = JSON.parse(line) as BgpMessage
    return message.type === 'open' || message.type === 'routes' || message.type === 'notification' ? message : undefined
  } catch {
    return undefined
  }
}
