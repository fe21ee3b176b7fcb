import type { Schema } from '../../resources/schema/schema.ts'
import { anything, fields, list, refusing, text, truth, whole } from './schemas.ts'

const as: Schema = { type: 'integer', format: 'int32' }

/** Fields that BIRD would have to obey and here does not: each is refused by its name. */
function withoutAny(schema: Schema, unmodelled: Readonly<Record<string, Schema>>): Schema {
  const all = { ...schema, properties: { ...schema.properties, ...unmodelled } }
  return refusing(all, ...Object.keys(unmodelled).map((name) => ({ unless: `!has(self.${name})`, what: `${name} of BGP` })))
}

export const bgpConfigurationSpec = withoutAny(fields({ asNumber: as, logSeverityScreen: text, nodeToNodeMeshEnabled: truth }), {
  bindMode: text,
  communities: list(anything),
  ignoredInterfaces: list(text),
  listenPort: whole,
  localWorkloadPeeringIPV4: text,
  localWorkloadPeeringIPV6: text,
  nodeMeshMaxRestartTime: text,
  nodeMeshPassword: anything,
  prefixAdvertisements: list(anything),
  serviceClusterIPs: list(anything),
  serviceExternalIPs: list(anything),
  serviceLoadBalancerIPs: list(anything),
})

export const bgpPeerSpec = withoutAny(fields({ asNumber: as, node: text, nodeSelector: text, peerIP: text }), {
  filters: list(text),
  keepOriginalNextHop: truth,
  localWorkloadSelector: text,
  maxRestartTime: text,
  nextHopMode: text,
  numAllowedLocalASNumbers: as,
  password: anything,
  peerSelector: text,
  reachableBy: text,
  reversePeering: text,
  sourceAddress: text,
  ttlSecurity: whole,
})
