import { decodeBase64, encodeBase64 } from '../../base64.ts'
import { contentTypes, encodeRecords } from './record.ts'

/**
 * The messages of a handshake, reduced to what is decided by them: the name that is asked for, the certificates that are shown. They are lines
 * of JSON in TLS's records; there are no keys, and nothing is encrypted.
 */
export interface ClientHello {
  readonly serverName?: string
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export function encodeClientHello(hello: ClientHello): Uint8Array {
  return message({ clientHello: hello })
}

/** DER, the server's own first. */
export function encodeServerHello(chain: readonly Uint8Array[]): Uint8Array {
  return message({ certificates: chain.map(encodeBase64) })
}

export const finished = message({ finished: true })

function message(content: unknown): Uint8Array {
  return encodeRecords(contentTypes.handshake, encoder.encode(`${JSON.stringify(content)}\n`))
}

export interface HandshakeMessage {
  readonly clientHello?: ClientHello
  readonly certificates?: readonly Uint8Array[]
  readonly finished?: boolean
}

/** Undefined where the payload is none of these messages. */
export function decodeHandshake(payload: Uint8Array): HandshakeMessage | undefined {
  try {
    const content = JSON.parse(decoder.decode(payload))
    if (!Array.isArray(content.certificates)) return content
    return { certificates: content.certificates.map((text: string) => decodeBase64(text) ?? new Uint8Array()) }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Descriptions of alerts (RFC 8446, 6). */
export const alerts = {
  closeNotify: 0,
  unexpectedMessage: 10,
  handshakeFailure: 40,
  badCertificate: 42,
  certificateExpired: 45,
  unknownAuthority: 48,
}

export function encodeAlert(description: number): Uint8Array {
  return encodeRecords(contentTypes.alert, Uint8Array.of(description === alerts.closeNotify ? 1 : 2, description))
}
