import type { KubeObject } from '../../kubernetes.ts'
import { parseCidr } from '../addresses.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { forbidden, invalid, required } from '../fields.ts'

type Specified = KubeObject & { spec?: Record<string, unknown> }

const kind = (name: string, plural: string, rules: Partial<ResourceDefinition<Specified>> = {}): ResourceDefinition<Specified> => ({
  group: 'crd.projectcalico.org',
  version: 'v1',
  kind: name,
  plural,
  singular: name.toLowerCase(),
  namespaced: false,
  columns: [nameColumn, ageColumn],
  ...rules,
})

const unmodelled = (field: string): FieldError => forbidden(field, 'the simulated Calico does not model it')

function poolErrors({ spec = {} }: Specified): FieldError[] {
  const errors: FieldError[] = []
  const { cidr, blockSize, ipipMode, nodeSelector } = spec
  const parsed = typeof cidr === 'string' ? parseCidr(cidr) : undefined
  if (cidr === undefined) errors.push(required('spec.cidr'))
  else if (!parsed) errors.push(invalid('spec.cidr', cidr, 'must be a valid CIDR value, (e.g. 10.9.8.0/24)'))
  else if (parsed.family === 'IPv6') errors.push(unmodelled('spec.cidr'))
  if (blockSize !== undefined && !(typeof blockSize === 'number' && blockSize >= 20 && blockSize <= 32))
    errors.push(invalid('spec.blockSize', blockSize, 'block size must be between 20 and 32'))
  if (ipipMode !== undefined && ipipMode !== 'Never') errors.push(unmodelled('spec.ipipMode'))
  if (nodeSelector !== undefined && nodeSelector !== 'all()') errors.push(unmodelled('spec.nodeSelector'))
  return errors
}

/** What calico-node writes at its start; anything else would be believed and not be obeyed. */
const felixDefaults: Readonly<Record<string, unknown>> = {
  bpfConnectTimeLoadBalancing: 'TCP',
  bpfHostNetworkedNATWithoutCTLB: 'Enabled',
  floatingIPs: 'Disabled',
  logSeverityScreen: 'Info',
  reportingInterval: '0s',
}

function felixErrors({ spec = {} }: Specified): FieldError[] {
  return Object.entries(spec).flatMap(([field, value]) => (felixDefaults[field] === value ? [] : [unmodelled(`spec.${field}`)]))
}

/** The kinds of Calico's datastore that the simulated Calico reads and writes. Its policy kinds are left out: nothing would enforce them. */
export const calicoDefinitions: readonly ResourceDefinition<Specified>[] = [
  kind('BlockAffinity', 'blockaffinities'),
  kind('ClusterInformation', 'clusterinformations'),
  kind('FelixConfiguration', 'felixconfigurations', { validate: felixErrors, validateUpdate: felixErrors }),
  kind('IPAMBlock', 'ipamblocks'),
  kind('IPAMHandle', 'ipamhandles'),
  kind('IPPool', 'ippools', { validate: poolErrors, validateUpdate: poolErrors }),
]
