/** The promise, or the signal's reason should that come first. */
export function race<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => {})
    return Promise.reject(signal.reason)
  }
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    promise.then(
      (value) => {
        signal.removeEventListener('abort', abort)
        resolve(value)
      },
      (error) => {
        signal.removeEventListener('abort', abort)
        reject(error)
      },
    )
  })
}

/** A body's bytes as they arrive; leaving the loop cancels the request. */
export async function* bytesOf(body: ReadableStream<Uint8Array> | null, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  if (!body) return
  const reader = body.getReader()
  let ended = false
  try {
    for (;;) {
      const next = await race(reader.read(), signal)
      if (next.done) {
        ended = true
        return
      }
      yield next.value
    }
  } finally {
    // Not awaited: a server that is slow to notice must not hold the prompt.
    if (!ended) reader.cancel().catch(() => {})
  }
}

/** Lines of text without their newlines; an unfinished last line counts. */
export async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  for await (const line of linesAsWritten(bytes)) yield line.endsWith('\n') ? line.slice(0, -1) : line
}

/** Lines of text with the newlines that they have. */
export async function* linesAsWritten(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of bytes) {
    rest += decoder.decode(chunk, { stream: true })
    let newline = rest.indexOf('\n')
    while (newline >= 0) {
      yield rest.slice(0, newline + 1)
      rest = rest.slice(newline + 1)
      newline = rest.indexOf('\n')
    }
  }
  if (rest !== '') yield rest
}
