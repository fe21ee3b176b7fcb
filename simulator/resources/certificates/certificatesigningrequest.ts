import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
  CertificateSigningRequestSpec,
} from 'kubernetes-types/certificates/v1'
import { timestamp } from '../../kubernetes.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { humanDuration } from '../duration.ts'
import { duplicate, forbidden, invalid, notSupported, required, sameValue } from '../fields.ts'
import { isDns1123Label, isDns1123Subdomain } from '../names.ts'
import type { Plain } from '../plain.ts'
import { readRequest } from './pkcs10.ts'

/** With `spec.expirationSeconds`, which the types of 1.21 do not have yet. */
export type RequestObject = Omit<Plain<CertificateSigningRequest>, 'spec'> & {
  spec: CertificateSigningRequestSpec & { expirationSeconds?: number }
}
type Condition = CertificateSigningRequestCondition

export const apiClientSigner = 'kubernetes.io/kube-apiserver-client'

const usages = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
]

/** Decisions, which stay once they are made. */
const lasting = ['Approved', 'Denied', 'Failed']

/** pkg/apis/certificates/validation. */
function validate(csr: RequestObject): FieldError[] {
  const { spec = {} as RequestObject['spec'] } = csr
  const errors: FieldError[] = []
  const read = readRequest(spec.request)
  if ('error' in read) errors.push(invalid('spec.request', spec.request ?? '', read.error))
  if (!spec.usages?.length) errors.push(required('spec.usages', 'usages must be provided'))
  const seen = new Set<string>()
  for (const [index, usage] of (spec.usages ?? []).entries()) {
    const field = `spec.usages[${index}]`
    if (!usages.includes(usage)) errors.push(notSupported(field, usage, usages))
    if (seen.has(usage)) errors.push(duplicate(field, usage))
    seen.add(usage)
  }
  if (spec.signerName === 'kubernetes.io/legacy-unknown')
    errors.push(invalid('spec.signerName', spec.signerName, 'the legacy signerName is not allowed via this API version'))
  else errors.push(...signerErrors(spec.signerName ?? ''))
  if (spec.expirationSeconds !== undefined && spec.expirationSeconds < 600) {
    const why = 'may not specify a duration less than 600 seconds (10 minutes)'
    errors.push(invalid('spec.expirationSeconds', spec.expirationSeconds, why))
  }
  return [...errors, ...conditionErrors(csr.status?.conditions ?? [])]
}

function signerErrors(name: string): FieldError[] {
  const field = 'spec.signerName'
  if (!name) return [required(field, 'signerName must be provided')]
  const [domain = '', path = '', ...more] = name.split('/')
  if (!name.includes('/') || more.length > 0)
    return [invalid(field, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")]
  const errors: FieldError[] = []
  const check = (part: string, labels: readonly string[], sentences: (label: string) => readonly string[]) => {
    for (const label of labels) {
      const wrong = sentences(label)
      errors.push(...wrong.map((sentence) => invalid(field, part, `validating label ${JSON.stringify(label)}: ${sentence}`)))
      if (wrong.length > 0) return
    }
  }
  check(domain, domain.split('.'), isDns1123Label)
  if (!domain.includes('.')) errors.push(invalid(field, domain, 'should be a domain with at least two segments separated by dots'))
  check(path, path.split('.'), isDns1123Subdomain)
  return errors
}

function conditionErrors(conditions: readonly Condition[]): FieldError[] {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  for (const [index, { type, status }] of conditions.entries()) {
    const field = `status.conditions[${index}]`
    if (!type) errors.push(required(`${field}.type`))
    const allowed = lasting.includes(type) ? ['True'] : ['False', 'True', 'Unknown']
    if (!status) errors.push(required(`${field}.status`))
    else if (!allowed.includes(status)) errors.push(notSupported(`${field}.status`, status, allowed))
    const other = { Approved: 'Denied', Denied: 'Approved' }[type]
    if (other && seen.has(other)) errors.push(invalid(`${field}.type`, type, 'Approved and Denied conditions are mutually exclusive'))
    if (seen.has(type)) errors.push(duplicate(`${field}.type`, type))
    seen.add(type)
  }
  return errors
}

/** `may`: what the subresource is there to write. */
function validateUpdate(csr: RequestObject, previous: RequestObject, may: 'certificate' | 'approval' | 'neither'): FieldError[] {
  const errors = validate(csr)
  const of = (object: RequestObject, type: string) => (object.status?.conditions ?? []).filter((condition) => condition.type === type)
  for (const type of lasting) {
    if (of(csr, type).length < of(previous, type).length)
      errors.push(forbidden('status.conditions', `updates may not remove a condition of type ${JSON.stringify(type)}`))
    else if (may !== 'approval' && type !== 'Failed') {
      if (of(csr, type).length > of(previous, type).length)
        errors.push(forbidden('status.conditions', `updates may not add a condition of type ${JSON.stringify(type)}`))
      else if (!sameValue(of(csr, type), of(previous, type)))
        errors.push(forbidden('status.conditions', `updates may not modify a condition of type ${JSON.stringify(type)}`))
    }
  }
  const [certificate, before] = [csr.status?.certificate, previous.status?.certificate]
  if (certificate !== before) {
    if (may !== 'certificate') errors.push(forbidden('status.certificate', 'updates may not set certificate content'))
    else if (before) errors.push(forbidden('status.certificate', 'updates may not modify existing certificate content'))
  }
  return errors
}

/** Conditions get the times that their writers left out; a transition is one of status. */
function timed(csr: RequestObject, previous: RequestObject, now: number): RequestObject {
  const { conditions } = csr.status ?? {}
  if (!conditions) return csr
  const at = timestamp(now)
  return {
    ...csr,
    status: {
      ...csr.status,
      conditions: conditions.map((condition) => {
        const same = previous.status?.conditions?.find(({ type, status }) => type === condition.type && status === condition.status)
        return {
          ...condition,
          lastUpdateTime: condition.lastUpdateTime ?? at,
          lastTransitionTime: condition.lastTransitionTime ?? same?.lastTransitionTime ?? at,
        }
      }),
    },
  }
}

/** `Approved,Issued`, as in the table (pkg/printers/internalversion). */
function stateOf({ status }: RequestObject): string {
  const has = (type: string) => status?.conditions?.some((condition) => condition.type === type) ?? false
  const decision = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'
  return [decision, ...(has('Failed') ? ['Failed'] : []), ...(status?.certificate ? ['Issued'] : [])].join(',')
}

/** Who asks is written by admission; what is asked for never changes (pkg/registry/certificates). */
export const certificatesigningrequests: ResourceDefinition<RequestObject> = {
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  plural: 'certificatesigningrequests',
  singular: 'certificatesigningrequest',
  shortNames: ['csr'],
  namespaced: false,
  status: true,
  connects: [{ name: 'approval', kind: 'CertificateSigningRequest', verbs: ['get', 'patch', 'update'] }],
  prepareForCreate({ status: _none, ...csr }) {
    return { ...csr, status: {} }
  },
  prepareForUpdate: (csr, previous) => ({ ...csr, spec: previous.spec }),
  prepareForStatusUpdate: (csr, previous, { now }) => timed(csr, previous, now),
  validate,
  validateUpdate: (csr, previous) => validateUpdate(csr, previous, 'neither'),
  validateStatusUpdate: (csr, previous) => validateUpdate(csr, previous, 'certificate'),
  approval: {
    prepare: (csr, previous, { now }) =>
      timed({ ...csr, status: { ...previous.status, conditions: csr.status?.conditions ?? [] } }, previous, now),
    validate: (csr, previous) => validateUpdate(csr, previous, 'approval'),
  },
  selectableFields: ({ spec }) => ({ 'spec.signerName': spec?.signerName ?? '' }),
  columns: [
    nameColumn,
    ageColumn,
    column('SignerName', 'Who is asked to sign.', ({ spec }) => spec.signerName),
    column('Requestor', 'Who asks.', ({ spec }) => spec.username ?? ''),
    column('RequestedDuration', 'How long the certificate should be good.', ({ spec }) =>
      spec.expirationSeconds === undefined ? '<none>' : humanDuration(spec.expirationSeconds * 1000),
    ),
    column('Condition', 'What has become of it.', stateOf),
  ],
}
