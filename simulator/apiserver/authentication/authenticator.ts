import type { Peer, UserInfo } from '../api.ts'
import { issuer } from './claims.ts'
import type { ServiceAccountTokens, TokenAnswer } from './service-account-tokens.ts'

/** `--anonymous-auth=true`, upstream's default. */
export const anonymous: UserInfo = { username: 'system:anonymous', groups: ['system:unauthenticated'] }

export interface Authenticator {
  /** Who asks: a client certificate comes before a bearer token, and who shows neither is anonymous. Undefined: 401. */
  authenticate(request: Request, peer?: Peer): UserInfo | undefined
  /** For TokenReview. */
  review(token: string, audiences: readonly string[] | undefined): TokenAnswer
}

/** `people`: bearer tokens that are good as they are, as `--token-auth-file` lists them. */
export function createAuthenticator(world: {
  readonly people: ReadonlyMap<string, UserInfo>
  readonly tokens: ServiceAccountTokens
}): Authenticator {
  const review: Authenticator['review'] = (token, audiences) => {
    const person = world.people.get(token)
    if (!person) return world.tokens.authenticate(token, audiences)
    return !audiences || audiences.includes(issuer) ? { user: person, audiences: [issuer] } : {}
  }
  return {
    review,
    authenticate(request, peer) {
      const certificate = peer?.certificate
      // Without a common name it names nobody.
      if (certificate && !('invalid' in certificate) && certificate.commonName) {
        const { commonName, organizations, fingerprint } = certificate
        return {
          username: commonName,
          groups: [...organizations, 'system:authenticated'],
          extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] },
        }
      }
      const token = bearerToken(request.headers.get('authorization'))
      if (token === undefined) return certificate && 'invalid' in certificate ? undefined : anonymous
      const answer = review(token, undefined)
      return 'user' in answer ? answer.user : undefined
    },
  }
}

/** Any other scheme, and a scheme without a token, counts as no credentials (request/bearertoken). */
function bearerToken(authorization: string | null): string | undefined {
  const [scheme = '', token] = (authorization ?? '').trim().split(' ')
  return scheme.toLowerCase() === 'bearer' && token ? token : undefined
}
