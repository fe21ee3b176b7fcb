import { serviceAccountUser } from '../apiserver/authentication/service-account-tokens.ts'
import { encodeBase64 } from '../base64.ts'
import { timestamp } from '../kubernetes.ts'
import { apiClientSigner, type RequestObject } from '../resources/certificates/certificatesigningrequest.ts'
import { readRequest } from '../resources/certificates/pkcs10.ts'
import { type Controller, workQueue } from './controller.ts'

const resource = 'certificatesigningrequests.certificates.k8s.io'
/** `--cluster-signing-duration`, s. */
const longestSeconds = 365 * 24 * 3600
const hourMs = 3600_000

/** Signs a PKCS#10 request; the promise is kept outside the cluster's time. */
export type SignCertificate = (request: {
  readonly request: string
  readonly usages: readonly string[]
  readonly seconds: number
}) => Promise<string>

/**
 * Signs approved requests for clients of the API server (pkg/controller/certificates/signer). Signing takes a real key and real time: the
 * answer is written in the event in which it arrives. A cluster that was saved in between asks again.
 */
export function certificateSigningController(sign: SignCertificate | undefined): Controller {
  return {
    name: 'certificatesigningrequest-signing-controller',
    start({ api: anybody, clock }) {
      const api = anybody.as(serviceAccountUser('kube-system', 'certificate-controller'))
      const asked = new Set<string>()
      const find = (name: string) => api.find<any>(resource, undefined, name) as RequestObject | undefined
      const write = (csr: RequestObject, status: object) =>
        void api.updateStatus<any>(resource, { ...csr, status: { ...csr.status, ...status } })
      const fail = (csr: RequestObject, message: string) => {
        const failed = {
          type: 'Failed',
          status: 'True',
          reason: 'SignerValidationFailure',
          message,
          lastUpdateTime: timestamp(clock.now()),
        }
        write(csr, { conditions: [...(csr.status?.conditions ?? []), failed] })
      }
      /** The request as it is now, if it still waits for a certificate. */
      const waiting = (name: string, uid?: string) => {
        const csr = find(name)
        const has = (type: string) => csr?.status?.conditions?.some((condition) => condition.type === type)
        const open = has('Approved') && !has('Denied') && !has('Failed') && !csr?.status?.certificate
        return open && csr?.spec.signerName === apiClientSigner && (!uid || csr.metadata?.uid === uid) ? csr : undefined
      }

      const queue = workQueue('certificatesigningrequest-signing', clock, (name) => {
        const csr = waiting(name)
        const uid = csr?.metadata?.uid
        if (!csr || !uid || asked.has(uid) || !sign) return
        const { usages = [], expirationSeconds = longestSeconds } = csr.spec
        const wrong = usageError(usages)
        if (wrong) return fail(csr, wrong)
        const read = readRequest(csr.spec.request)
        if ('error' in read) return fail(csr, read.error)
        asked.add(uid)
        const answered = (answer: (csr: RequestObject) => void) =>
          clock.soon(() => {
            asked.delete(uid)
            const now = waiting(name, uid)
            if (now) answer(now)
          })
        sign({ request: read.pem, usages, seconds: Math.min(expirationSeconds, longestSeconds) }).then(
          (certificate) => answered((now) => write(now, { certificate: encodeBase64(new TextEncoder().encode(certificate)) })),
          (error: unknown) => answered((now) => fail(now, error instanceof Error ? error.message : String(error))),
        )
      })
      api.watch(resource, ({ object, type }) => type !== 'DELETED' && queue.add(object.metadata?.name ?? ''), { initial: true })
    },
  }
}

/** Removes requests that are done with: an hour after the decision, or after a day without one (certificates/cleaner). */
export const certificateCleaner: Controller = {
  name: 'certificatesigningrequest-cleaner-controller',
  start({ api, clock, fresh }) {
    const due = (csr: RequestObject) => {
      const decided = csr.status?.conditions?.find(({ type }) => type === 'Denied' || type === 'Failed' || type === 'Approved')
      const since = (decided?.lastUpdateTime ?? csr.metadata?.creationTimestamp) as string | undefined
      // An approved one that nobody has signed is kept for whoever is to sign it.
      if (decided?.type === 'Approved' && !csr.status?.certificate) return undefined
      return Date.parse(since ?? '') + (decided ? hourMs : 24 * hourMs)
    }
    const queue = workQueue('certificatesigningrequest-cleaner', clock, (name) => {
      const csr = api.find<any>(resource, undefined, name) as RequestObject | undefined
      const at = csr && due(csr)
      if (at === undefined) return
      if (at <= clock.now()) api.delete(resource, undefined, name)
      else queue.addAt(name, at)
    })
    api.watch(resource, ({ object, type }) => type !== 'DELETED' && queue.add(object.metadata?.name ?? ''), { initial: fresh })
  },
}

/** What the usages have too much or too little for a client's certificate. */
function usageError(usages: readonly string[]): string | undefined {
  const odd = usages.find((usage) => !['digital signature', 'key encipherment', 'client auth'].includes(usage))
  if (odd) return `invalid usage for client certificate: ${odd}`
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth'
}
