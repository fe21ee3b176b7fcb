import type { ByteSource } from '../../../simulator/streams.ts'

/** Everything from a source until its end, as text. */
export async function readAll(source: ByteSource, signal: AbortSignal): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for (let chunk = await source.read(signal); chunk !== undefined; chunk = await source.read(signal))
    text += decoder.decode(chunk, { stream: true })
  return text + decoder.decode()
}

/** Go's `%q` of a string, as far as names and paths need it. */
export function quoted(text: string): string {
  return JSON.stringify(text)
}
