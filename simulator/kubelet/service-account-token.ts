import type { Pod, Volume } from 'kubernetes-types/core/v1'
import { StatusError } from '../apiserver/api.ts'
import { encodeBase64Url } from '../base64.ts'
import { VolumeError } from './volume-error.ts'
import type { Kubelet, PodTokenRequest } from './world.ts'

export const defaultTokenSeconds = 3600
/** Tokens are renewed after this part of their life, or after a day (pkg/kubelet/token/token_manager.go). */
const renewAfter = 0.8
const longestMs = 24 * 3600 * 1000

export function hasToken(volume: Volume): boolean {
  return volume.projected?.sources?.some((source) => source.serviceAccountToken) ?? false
}

/** When the volume's tokens are to be renewed if they are issued now; undefined without any. The kubelet's timer is set for it. */
export function renewalTime(kubelet: Kubelet, volume: Volume): number | undefined {
  const lives = (volume.projected?.sources ?? []).flatMap(({ serviceAccountToken: token }) =>
    token ? [(token.expirationSeconds ?? defaultTokenSeconds) * 1000] : [],
  )
  if (lives.length === 0) return undefined
  const at = kubelet.world.clock.now() + Math.min(Math.min(...lives) * renewAfter, longestMs)
  kubelet.tokensDueAt(at)
  return at
}

/** Throws VolumeError where the API server refuses. */
export function fetchToken(kubelet: Kubelet, request: PodTokenRequest): string {
  try {
    return kubelet.world.serviceAccountToken?.(request) ?? unknownToken(kubelet, request)
  } catch (error) {
    if (error instanceof StatusError) throw new VolumeError(`failed to fetch token: ${error.message}`)
    throw error
  }
}

/** Shaped as a service account's token. Signed by nobody, so an API server refuses it unless it makes the tokens itself. */
function unknownToken(kubelet: Kubelet, { namespace, serviceAccount, audience, pod, expirationSeconds }: PodTokenRequest): string {
  const now = Math.floor(kubelet.world.clock.now() / 1000)
  const issuer = `https://kubernetes.default.svc.${kubelet.world.clusterDomain}`
  const claims = {
    aud: [audience ?? issuer],
    exp: now + expirationSeconds,
    iat: now,
    iss: issuer,
    'kubernetes.io': { namespace, pod: podReference(pod), serviceaccount: { name: serviceAccount } },
    nbf: now,
    sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
  }
  const encodeUrl = (text: string) => encodeBase64Url(new TextEncoder().encode(text))
  return `${encodeUrl('{"alg":"RS256"}')}.${encodeUrl(JSON.stringify(claims))}.${encodeUrl(pod.metadata?.uid ?? '')}`
}

function podReference({ metadata }: Pod) {
  return { name: metadata?.name, uid: metadata?.uid }
}
