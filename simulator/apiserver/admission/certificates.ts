import { apiClientSigner, type RequestObject } from '../../resources/certificates/certificatesigningrequest.ts'
import { readRequest } from '../../resources/certificates/pkcs10.ts'
import type { UserInfo } from '../api.ts'
import type { Authorize } from '../http/reviews.ts'
import { forbidden } from '../status.ts'
import type { Admission } from './admission.ts'

const resource = 'certificatesigningrequests.certificates.k8s.io'

/**
 * Certificate requests carry who asks, and take the verbs `approve` and `sign` on their signer (plugin/pkg/admission/certificates:
 * approval, signing, subjectrestriction).
 */
export function certificateAdmission(authorize: Authorize): Admission {
  /** The signer by its name, or every one of its domain: `kubernetes.io/*`. */
  function may(user: UserInfo, verb: 'approve' | 'sign', signer: string): boolean {
    const names = [signer, `${signer.split('/')[0]}/*`]
    return names.some((name) => authorize(user, { verb, group: 'certificates.k8s.io', version: '*', resource: 'signers', name }).allowed)
  }

  return {
    name: 'CertificateApproval',
    mutate({ resource: of, operation, object, user }) {
      if (of !== resource || operation !== 'CREATE') return object
      const { username, uid, groups, extra } = user
      const { username: _name, uid: _uid, groups: _groups, extra: _extra, ...spec } = (object as unknown as RequestObject).spec ?? {}
      return { ...object, spec: { ...spec, username, groups: [...groups], ...(uid && { uid }), ...(extra && { extra }) } }
    },
    validate({ resource: of, operation, subresource, object, previous, user, name }) {
      if (of !== resource || !object) return
      const refuse = (why: string) => forbidden({ group: 'certificates.k8s.io', resource: 'certificatesigningrequests', name }, why)
      const csr = object as unknown as RequestObject
      const { signerName } = csr.spec
      if (operation === 'CREATE' && signerName === apiClientSigner) {
        const read = readRequest(csr.spec.request)
        if ('error' in read) throw refuse(`failed to parse CSR: ${read.error}`)
        if (read.subject.organizations.includes('system:masters'))
          throw refuse(`use of ${apiClientSigner} signer with system:masters group is not allowed`)
      }
      if (operation !== 'UPDATE') return
      if (subresource === 'approval' && !may(user, 'approve', signerName))
        throw refuse(`user not permitted to approve requests with signerName ${JSON.stringify(signerName)}`)
      const before = (previous as unknown as RequestObject | undefined)?.status
      const changed =
        before?.certificate !== csr.status?.certificate || JSON.stringify(before?.conditions) !== JSON.stringify(csr.status?.conditions)
      if (subresource === 'status' && changed && !may(user, 'sign', signerName))
        throw refuse(`user not permitted to sign requests with signerName ${JSON.stringify(signerName)}`)
    },
  }
}
