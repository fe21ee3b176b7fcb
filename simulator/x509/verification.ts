import { type Certificate, isSignedBy } from './certificate.ts'

/** What OpenSSL finds wrong with a chain: the number and the words of X509_verify_cert_error_string. */
export interface ChainProblem {
  readonly code: number
  readonly text: string
}

const problem = (code: number, text: string): ChainProblem => ({ code, text })

/**
 * Whether a presented chain, its server's certificate first, leads to one that is trusted: as OpenSSL builds and checks it, issuers by name,
 * signatures from the top, then times. `now` in ms since the epoch. Undefined: nothing is wrong. Revocation, usages and name constraints
 * are not looked at.
 */
export function verifyChain(presented: readonly Certificate[], trusted: readonly Certificate[], now: number): ChainProblem | undefined {
  const [leaf] = presented
  if (!leaf) return problem(2, 'unable to get issuer certificate')
  const path = [leaf]
  let anchored = false
  for (let last = leaf; ; ) {
    const anchor = trusted.find(
      (one) => one.subjectKey === last.issuerKey && (one.bytes.join() === last.bytes.join() || isSignedBy(last, one)),
    )
    if (anchor) {
      anchored = true
      if (anchor.bytes.join() !== last.bytes.join()) path.push(anchor)
      break
    }
    if (last.subjectKey === last.issuerKey) break
    const next = presented.find((one) => one.subjectKey === last.issuerKey && !path.includes(one))
    if (!next) break
    path.push(next)
    last = next
  }
  const top = path.at(-1) as Certificate
  if (!anchored) {
    if (trusted.some((one) => one.subjectKey === top.issuerKey)) return problem(7, 'certificate signature failure')
    if (top.subjectKey !== top.issuerKey) return problem(20, 'unable to get local issuer certificate')
    return path.length === 1 ? problem(18, 'self-signed certificate') : problem(19, 'self-signed certificate in certificate chain')
  }
  for (const issuer of path.slice(1)) if (issuer.authority !== true) return problem(79, 'invalid CA certificate')
  for (let index = path.length - 1; index >= 0; index--) {
    const one = path[index] as Certificate
    const issuer = path[index + 1]
    if (issuer && !isSignedBy(one, issuer)) return problem(7, 'certificate signature failure')
    if (now < one.notBefore) return problem(9, 'certificate is not yet valid')
    if (now > one.notAfter) return problem(10, 'certificate has expired')
  }
  return undefined
}

/** The name of the certificate that a host matches (RFC 9525): whole, or by a wildcard in the leftmost label alone. */
export function matchingName(host: string, names: readonly string[]): string | undefined {
  const wanted = host.toLowerCase().replace(/\.$/, '')
  return names.find((name) => {
    const pattern = name.toLowerCase().replace(/\.$/, '')
    if (pattern === wanted) return true
    const dot = wanted.indexOf('.')
    return pattern.startsWith('*.') && dot > 0 && pattern.split('.').length > 2 && wanted.slice(dot) === pattern.slice(1)
  })
}
