import { plainText } from './responses.ts'

/** The checks that stand for parts which exist here; each is part of this process and therefore up when it answers. */
const checks = [
  'ping',
  'log',
  'etcd',
  'poststarthook/start-apiserver-admission-initializer',
  'poststarthook/generic-apiserver-start-informers',
]

/** `/healthz`, `/livez`, `/readyz`, with `?verbose`, and single checks below them; undefined for other paths. */
export function healthResponse(pathname: string, query: URLSearchParams): Response | undefined {
  const match = /^\/(healthz|livez|readyz)(?:\/(.+))?$/.exec(pathname)
  if (!match) return undefined
  const [, endpoint, one] = match
  if (one !== undefined) return checks.includes(one) ? plainText('ok') : undefined
  if (!query.has('verbose')) return plainText('ok')
  return plainText(`${checks.map((check) => `[+]${check} ok\n`).join('')}${endpoint} check passed\n`)
}
