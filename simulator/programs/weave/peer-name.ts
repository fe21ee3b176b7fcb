import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'

/** A peer's name: a MAC made from what tells its machine apart (weave 2.8's net.MACfromUUID). */
export function peerName(machine: string): string {
  const bytes = sha256(utf8ToBytes(`9oBJ0Jmip-${machine}`)).slice(0, 6)
  // Locally administered, and no group's.
  bytes[0] = ((bytes[0] ?? 0) & ~1) | 2
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':')
}
