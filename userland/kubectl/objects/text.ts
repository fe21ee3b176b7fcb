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

/** Base64 of text as UTF-8 (Secret data). */
export function toBase64(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}

export function fromBase64(text: string): Uint8Array {
  const binary = atob(text)
  const bytes = new Uint8Array(binary.length)
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at)
  return bytes
}
