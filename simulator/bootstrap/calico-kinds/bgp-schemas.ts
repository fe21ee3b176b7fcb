import type { Schema } from '../../resources/schema/schema.ts'
import { anything, fields, list, refused, text, truth, whole } from './schemas.ts'

const as: Schema = { type: 'integer', format: 'int32' }

/** Fields that BIRD would have to obey and here does not. */
function withoutAny(schema: Schema, unmodelled: Readonly<Record<string, Schema>>): Schema {
  const others = Object.entries(unmodelled).map(([name, field]) => [name, refused(field)])
  return { ...schema, properties: { ...schema.properties, ...Object.fromEntries(others) } }
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
