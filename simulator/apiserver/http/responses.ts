import { stringify } from 'yaml'
import { toStatus } from '../status.ts'

const encoder = new TextEncoder()

export function jsonResponse(
  body: unknown,
  options: { status?: number; yaml?: boolean; warnings?: readonly string[]; type?: string } = {},
): Response {
  if (options.yaml) return textual(stringify(body, { aliasDuplicateObjects: false }), 'application/yaml', options)
  return textual(JSON.stringify(body), options.type ?? 'application/json', options)
}

/** For bodies that are JSON text already. */
export function jsonText(text: string, options: { status?: number; warnings?: readonly string[] } = {}): Response {
  return textual(text, 'application/json', options)
}

/** For bodies that are JSON in UTF-8 already. */
export function jsonBytes(bytes: Uint8Array<ArrayBuffer>): Response {
  return binary(bytes, 'application/json', {})
}

/** RFC 9111 5.5: code 299, no agent, quoted text. */
export function warningHeader(text: string): string {
  return `299 - "${utf8(text.replaceAll('\\', '\\\\').replaceAll('"', '\\"'))}"`
}

function textual(text: string, type: string, options: { status?: number; warnings?: readonly string[] }): Response {
  return binary(encoder.encode(text), type, options)
}

function binary(
  bytes: Uint8Array<ArrayBuffer>,
  type: string,
  { status = 200, warnings = [] }: { status?: number; warnings?: readonly string[] },
): Response {
  const headers = new Headers({ 'Content-Type': type, 'Cache-Control': 'no-cache, private', 'Content-Length': String(bytes.length) })
  for (const warning of warnings) headers.append('Warning', warningHeader(warning))
  return new Response(bytes, { status, headers })
}

/** A header's value is bytes: one character for each byte of the text's UTF-8, without those that would end the header. */
function utf8(text: string): string {
  return Array.from(encoder.encode(text.replaceAll(/[\u0000-\u001f\u007f]/g, '')), (byte) => String.fromCharCode(byte)).join('')
}

export function plainText(text: string, status = 200): Response {
  return new Response(text, { status, headers: { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' } })
}

/** Any error as the Status object that clients expect. */
export function failure(error: unknown): Response {
  const status = toStatus(error)
  const response = jsonResponse(status, { status: status.code ?? 500 })
  if (status.details?.retryAfterSeconds) response.headers.set('Retry-After', String(status.details.retryAfterSeconds))
  return response
}
