/** Signatures over the curves of web certificates (FIPS 186-5, ECDSA), on whole numbers: synchronous, as a cluster's moments are, and slow. */
export interface Curve {
  readonly oid: string
  readonly name: string
  /** Bits of the field. */
  readonly bits: number
  readonly p: bigint
  readonly b: bigint
  readonly n: bigint
  readonly g: Point
}

/** Affine; undefined is the point at infinity. */
export type Point = readonly [bigint, bigint]

export const curves: readonly Curve[] = [
  {
    oid: '1.2.840.10045.3.1.7',
    name: 'prime256v1',
    bits: 256,
    p: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
    n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    g: [
      0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
      0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
    ],
  },
  {
    oid: '1.3.132.0.34',
    name: 'secp384r1',
    bits: 384,
    p: 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffffn,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
    n: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    g: [
      0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7n,
      0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5fn,
    ],
  },
]

export const prime256v1 = curves[0] as Curve

const mod = (value: bigint, modulus: bigint) => {
  const rest = value % modulus
  return rest < 0n ? rest + modulus : rest
}

export function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [mod(value, modulus), modulus, 1n, 0n]
  while (a > 1n) {
    const quotient = b / a
    ;[a, b, x, y] = [b - quotient * a, a, y - quotient * x, x]
    if (a === 0n) throw new RangeError('the number has no inverse')
  }
  return mod(x, modulus)
}

/** Jacobian coordinates: no division until the end. */
type Jacobian = readonly [bigint, bigint, bigint]

function double([x, y, z]: Jacobian, p: bigint): Jacobian {
  if (z === 0n || y === 0n) return [1n, 1n, 0n]
  const yy = (y * y) % p
  const s = (4n * x * yy) % p
  const zz = (z * z) % p
  // a = -3 on all of these curves.
  const m = mod(3n * (x - zz) * (x + zz), p)
  const x3 = mod(m * m - 2n * s, p)
  return [x3, mod(m * (s - x3) - 8n * yy * yy, p), (2n * y * z) % p]
}

function add(one: Jacobian, other: Jacobian, p: bigint): Jacobian {
  const [x1, y1, z1] = one
  const [x2, y2, z2] = other
  if (z1 === 0n) return other
  if (z2 === 0n) return one
  const z1z1 = (z1 * z1) % p
  const z2z2 = (z2 * z2) % p
  const u1 = (x1 * z2z2) % p
  const u2 = (x2 * z1z1) % p
  const s1 = (y1 * z2 * z2z2) % p
  const s2 = (y2 * z1 * z1z1) % p
  if (u1 === u2) return s1 === s2 ? double(one, p) : [1n, 1n, 0n]
  const h = mod(u2 - u1, p)
  const r = mod(s2 - s1, p)
  const hh = (h * h) % p
  const hhh = (h * hh) % p
  const v = (u1 * hh) % p
  const x3 = mod(r * r - hhh - 2n * v, p)
  return [x3, mod(r * (v - x3) - s1 * hhh, p), (h * z1 * z2) % p]
}

function multiplyJacobian(scalar: bigint, [x, y]: Point, p: bigint): Jacobian {
  let result: Jacobian = [1n, 1n, 0n]
  let addend: Jacobian = [x, y, 1n]
  for (let left = scalar; left > 0n; left >>= 1n) {
    if (left & 1n) result = add(result, addend, p)
    addend = double(addend, p)
  }
  return result
}

function affine([x, y, z]: Jacobian, p: bigint): Point | undefined {
  if (z === 0n) return undefined
  const one = inverse(z, p)
  const square = (one * one) % p
  return [(x * square) % p, (y * square * one) % p]
}

/** The public point of a private number. */
export function publicPoint(curve: Curve, secret: bigint): Point {
  const point = affine(multiplyJacobian(secret, curve.g, curve.p), curve.p)
  if (!point) throw new RangeError('the private key is a multiple of the order')
  return point
}

function isOnCurve({ p, b }: Curve, [x, y]: Point): boolean {
  return mod(y * y - (x * x * x - 3n * x + b), p) === 0n
}

/** `hash` as a number, cut to the bits of the order by the caller. */
export function verifyEcdsa(curve: Curve, key: Point, hash: bigint, [r, s]: Point): boolean {
  const { n, p, g } = curve
  if (r <= 0n || r >= n || s <= 0n || s >= n || !isOnCurve(curve, key)) return false
  const w = inverse(s, n)
  const sum = add(multiplyJacobian(mod(hash * w, n), g, p), multiplyJacobian(mod(r * w, n), key, p), p)
  const point = affine(sum, p)
  return point !== undefined && mod(point[0], n) === r
}

/** `nonce` is secret, used once, and below the order. */
export function signEcdsa(curve: Curve, secret: bigint, hash: bigint, nonce: bigint): Point {
  const r = mod(publicPoint(curve, nonce)[0], curve.n)
  return [r, mod(inverse(nonce, curve.n) * (hash + r * secret), curve.n)]
}
