const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A reply of the Redis serialization protocol, version 2. */
export type Reply = { readonly simple: string } | { readonly error: string } | number | string | null | readonly Reply[]

export function encodeReply(reply: Reply): string {
  if (reply === null) return '$-1\r\n'
  if (typeof reply === 'number') return `:${reply}\r\n`
  if (typeof reply === 'string') return `$${encoder.encode(reply).length}\r\n${reply}\r\n`
  if ('simple' in reply) return `+${reply.simple}\r\n`
  if ('error' in reply) return `-${reply.error}\r\n`
  return `*${(reply as readonly Reply[]).length}\r\n${(reply as readonly Reply[]).map(encodeReply).join('')}`
}

/** Cuts a stream into values; a line that is no value is an inline command and comes as its words. */
export function respReader(deliver: (value: Reply) => void): (bytes: Uint8Array) => void {
  let text = ''
  return (bytes) => {
    text += decoder.decode(bytes)
    for (;;) {
      const read = readValue(text)
      if (!read) return
      text = text.slice(read.length)
      deliver(read.value)
    }
  }
}

function readValue(text: string): { value: Reply; length: number } | undefined {
  const end = text.indexOf('\r\n')
  const line = end < 0 ? (text.includes('\n') ? text.slice(0, text.indexOf('\n')) : undefined) : text.slice(0, end)
  if (line === undefined) return undefined
  const length = end < 0 ? line.length + 1 : end + 2
  const body = line.slice(1)
  switch (line[0]) {
    case '+':
      return { value: { simple: body }, length }
    case '-':
      return { value: { error: body }, length }
    case ':':
      return { value: Number(body), length }
    case '$': {
      const size = Number(body)
      if (size < 0) return { value: null, length }
      const bytes = encoder.encode(text.slice(length))
      if (bytes.length < size + 2) return undefined
      const value = decoder.decode(bytes.slice(0, size))
      return { value, length: length + value.length + 2 }
    }
    case '*': {
      const values: Reply[] = []
      let at = length
      for (let index = 0; index < Number(body); index++) {
        const next = readValue(text.slice(at))
        if (!next) return undefined
        values.push(next.value)
        at += next.length
      }
      return { value: values, length: at }
    }
    default:
      return { value: line.trim().split(/\s+/), length }
  }
}
