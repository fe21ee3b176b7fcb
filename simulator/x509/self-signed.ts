import { sha256 } from '@noble/hashes/sha2.js'
import type { Random } from '../random.ts'
import { fromBigInt, tags, toBigInt, write, writeInteger, writeOid, writePem } from './der.ts'
import { type Point, prime256v1, publicPoint, signEcdsa } from './elliptic-curve.ts'
import { hashNumber } from './keys.ts'

const encoder = new TextEncoder()
const ecdsaWithSha256 = write(tags.sequence, writeOid('1.2.840.10045.4.3.2'))

/**
 * A certificate that signs itself, as servers make one at their start: PEM of it. Its key is P-256 and is thrown away, as the handshake here
 * does not prove possession. Times in ms since the epoch.
 */
export function selfSignedCertificate(
  random: Random,
  subject: { readonly organization?: string; readonly commonName: string; readonly names: readonly string[] },
  validity: { readonly notBefore: number; readonly notAfter: number },
): string {
  const curve = prime256v1
  const number = () => (toBigInt(Uint8Array.from({ length: 32 }, () => random.below(256))) % (curve.n - 1n)) + 1n
  const secret = number()
  const [x, y] = publicPoint(curve, secret)
  const name = write(
    tags.sequence,
    ...(subject.organization === undefined ? [] : [attribute('2.5.4.10', subject.organization)]),
    attribute('2.5.4.3', subject.commonName),
  )
  const point = Uint8Array.of(0, 4, ...fromBigInt(x, 32), ...fromBigInt(y, 32))
  const key = write(tags.sequence, write(tags.sequence, writeOid('1.2.840.10045.2.1'), writeOid(curve.oid)), write(tags.bits, point))
  const names = write(tags.sequence, ...subject.names.map((one) => write(0x82, encoder.encode(one))))
  const tbs = write(
    tags.sequence,
    write(0xa0, writeInteger(2n)),
    writeInteger(number() >> 128n),
    ecdsaWithSha256,
    name,
    write(tags.sequence, time(validity.notBefore), time(validity.notAfter)),
    name,
    key,
    write(0xa3, write(tags.sequence, write(tags.sequence, writeOid('2.5.29.17'), write(tags.octets, names)))),
  )
  const [r, s]: Point = signEcdsa(curve, secret, hashNumber(sha256(tbs), curve), number())
  const signature = write(tags.sequence, writeInteger(r), writeInteger(s))
  return writePem('CERTIFICATE', write(tags.sequence, tbs, ecdsaWithSha256, write(tags.bits, Uint8Array.of(0), signature)))
}

function attribute(oid: string, value: string): Uint8Array {
  return write(tags.set, write(tags.sequence, writeOid(oid), write(0x0c, encoder.encode(value))))
}

function time(at: number): Uint8Array {
  const digits = new Date(Math.floor(at / 1000) * 1000).toISOString().replace(/[-:T]|\.\d+/g, '')
  return digits < '2050' ? write(0x17, encoder.encode(digits.slice(2))) : write(0x18, encoder.encode(digits))
}
