import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { compactJson } from '../print/json.ts'

/** Letters that cannot make bad words stand for some of the hexadecimal digits. */
const safe: Record<string, string> = { '0': 'g', '1': 'h', '3': 'k', a: 'm', e: 't' }

/** The suffix that `--append-hash` gives a name; after kubectl's pkg/util/hash. */
export function contentHash(content: Record<string, unknown>): string {
  const digits = bytesToHex(sha256(utf8ToBytes(compactJson(content)))).slice(0, 10)
  return digits.replace(/[013ae]/g, (digit) => safe[digit] as string)
}
