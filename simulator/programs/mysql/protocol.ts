import { sha256 } from '@noble/hashes/sha2.js'
import { concatenate } from '../../network/http-message.ts'
import type { Random } from '../../random.ts'

// The client/server protocol, version 10: packets of a 3-byte length, a sequence number and a payload.

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** CLIENT_PROTOCOL_41, CLIENT_SECURE_CONNECTION, CLIENT_PLUGIN_AUTH, CLIENT_CONNECT_WITH_DB and a few that every server has. */
const capabilities = 0x0008_0000 | 0x8000 | 0x0200 | 0x2000 | 0x0008 | 0x0001
const utf8mb4 = 255
const autocommit = 2
export const authPlugin = 'caching_sha2_password'

export function packet(sequence: number, payload: Uint8Array): Uint8Array {
  const { length } = payload
  return concatenate([new Uint8Array([length & 255, (length >> 8) & 255, (length >> 16) & 255, sequence & 255]), payload])
}

/** Cuts a stream into packets. */
export function packetReader(deliver: (sequence: number, payload: Uint8Array) => void): (bytes: Uint8Array) => void {
  let buffer = new Uint8Array(0)
  return (bytes) => {
    buffer = new Uint8Array(concatenate([buffer, bytes]))
    while (buffer.length >= 4) {
      const length = buffer[0]! | (buffer[1]! << 8) | (buffer[2]! << 16)
      if (buffer.length < length + 4) return
      const payload = buffer.slice(4, length + 4)
      const sequence = buffer[3]!
      buffer = buffer.slice(length + 4)
      deliver(sequence, payload)
    }
  }
}

/** 20 printable bytes, as the server's challenge. */
export function newSalt(random: Random): Uint8Array {
  return Uint8Array.from({ length: 20 }, () => 33 + random.below(94))
}

/** The first packet of a connection. */
export function greeting(version: string, thread: number, salt: Uint8Array): Uint8Array {
  return concatenate([
    new Uint8Array([10]),
    terminated(version),
    integer(thread, 4),
    salt.slice(0, 8),
    new Uint8Array([0]),
    integer(capabilities & 0xffff, 2),
    new Uint8Array([utf8mb4]),
    integer(autocommit, 2),
    integer(capabilities >>> 16, 2),
    new Uint8Array([21]),
    new Uint8Array(10),
    salt.slice(8),
    new Uint8Array([0]),
    terminated(authPlugin),
  ])
}

export function readGreeting(payload: Uint8Array): { version: string; thread: number; salt: Uint8Array } {
  const end = payload.indexOf(0, 1)
  const at = end + 1
  const thread = payload[at]! | (payload[at + 1]! << 8) | (payload[at + 2]! << 16)
  const first = payload.slice(at + 4, at + 12)
  const second = payload.slice(at + 31, at + 43)
  return { version: decoder.decode(payload.slice(1, end)), thread, salt: concatenate([first, second]) }
}

export function login(user: string, scrambled: Uint8Array): Uint8Array {
  return concatenate([
    integer(capabilities, 4),
    integer(0xffffff, 4),
    new Uint8Array([utf8mb4]),
    new Uint8Array(23),
    terminated(user),
    new Uint8Array([scrambled.length]),
    scrambled,
    terminated(authPlugin),
  ])
}

export function readLogin(payload: Uint8Array): { user: string; scrambled: Uint8Array } {
  const end = payload.indexOf(0, 32)
  const length = payload[end + 1] ?? 0
  return { user: decoder.decode(payload.slice(32, end)), scrambled: payload.slice(end + 2, end + 2 + length) }
}

/** XOR(SHA256(password), SHA256(SHA256(SHA256(password)), salt)); empty for no password. */
export function scramble(password: string, salt: Uint8Array): Uint8Array {
  if (password === '') return new Uint8Array(0)
  const once = sha256(encoder.encode(password))
  const mask = sha256(concatenate([sha256(sha256(once)), salt]))
  return once.map((byte, index) => byte ^ mask[index]!)
}

export const ok = new Uint8Array([0, 0, 0, autocommit, 0, 0, 0])

export function errorPayload(code: number, state: string, message: string): Uint8Array {
  return concatenate([new Uint8Array([0xff]), integer(code, 2), encoder.encode(`#${state}${message}`)])
}

export function readError(payload: Uint8Array): { code: number; state: string; message: string } | undefined {
  if (payload[0] !== 0xff) return undefined
  const text = decoder.decode(payload.slice(3))
  return { code: payload[1]! | (payload[2]! << 8), state: text.slice(1, 6), message: text.slice(6) }
}

/** Packets of a result with one column and at most one row, from sequence 1 on. */
export function oneValue(column: string, value: string): Uint8Array {
  const definition = concatenate([
    counted('def'),
    counted(''),
    counted(''),
    counted(''),
    counted(column),
    counted(''),
    new Uint8Array([12]),
    integer(utf8mb4, 2),
    integer(value.length, 4),
    new Uint8Array([0xfd, 0, 0, 0, 0, 0]),
  ])
  const end = new Uint8Array([0xfe, 0, 0, autocommit, 0])
  return concatenate([new Uint8Array([1]), definition, end, counted(value), end].map((payload, index) => packet(index + 1, payload)))
}

/** The names and values of a result's packets as `oneValue` and servers send them. */
export function readColumn(payload: Uint8Array): string {
  let at = 0
  let text = ''
  for (let field = 0; field < 5; field++) {
    const length = payload[at++] ?? 0
    text = decoder.decode(payload.slice(at, at + length))
    at += length
  }
  return text
}

export function readCounted(payload: Uint8Array): string {
  return decoder.decode(payload.slice(1, 1 + (payload[0] ?? 0)))
}

function counted(text: string): Uint8Array {
  const bytes = encoder.encode(text)
  return concatenate([new Uint8Array([bytes.length]), bytes])
}

function terminated(text: string): Uint8Array {
  return concatenate([encoder.encode(text), new Uint8Array([0])])
}

function integer(value: number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, index) => (value >>> (8 * index)) & 255)
}
