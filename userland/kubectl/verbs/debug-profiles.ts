import type { Container, Pod, PodSpec, SecurityContext } from 'kubernetes-types/core/v1'

export const profiles = ['legacy', 'general', 'baseline', 'netadmin', 'restricted', 'sysadmin'] as const
export type Profile = (typeof profiles)[number]

export interface Keep {
  readonly labels: boolean
  readonly annotations: boolean
  readonly liveness: boolean
  readonly readiness: boolean
  readonly startup: boolean
  readonly initContainers: boolean
}

const ptrace: SecurityContext = { capabilities: { add: ['SYS_PTRACE'] } }
const restricted: SecurityContext = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
}
const network: SecurityContext = { capabilities: { add: ['NET_ADMIN', 'NET_RAW'] } }

/** The debugging container's own security context in each profile; on a node, general and baseline give it none. */
const contexts: Readonly<Record<Profile, SecurityContext | undefined>> = {
  legacy: undefined,
  general: ptrace,
  baseline: undefined,
  netadmin: network,
  restricted,
  sysadmin: { privileged: true },
}

/** `container` as an ephemeral one, or in a copy of a pod, under the profile (kubectl's debug/profiles.go). */
export function withProfile(container: Container, profile: Profile): Container {
  const securityContext = contexts[profile]
  return securityContext ? { ...container, securityContext } : container
}

/** A copy of a pod, prepared for its debugging container: probes gone, processes shared. */
export function copiedPod(pod: Pod, profile: Profile, keep: Keep): Pod {
  const { labels, annotations } = pod.metadata ?? {}
  const legacy = profile === 'legacy'
  const { ephemeralContainers: _, initContainers, ...spec } = pod.spec as PodSpec
  const containers = legacy ? spec.containers : spec.containers.map((container) => withoutProbes(container, keep))
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: pod.metadata?.namespace,
      ...(keep.labels && labels ? { labels } : {}),
      ...((legacy || keep.annotations) && annotations ? { annotations } : {}),
    },
    spec: {
      ...spec,
      ...(initContainers && (legacy || keep.initContainers) ? { initContainers } : {}),
      containers,
      ...(legacy ? {} : { shareProcessNamespace: true }),
    },
  }
}

function withoutProbes({ livenessProbe, readinessProbe, startupProbe, ...container }: Container, keep: Keep): Container {
  return {
    ...container,
    ...(keep.liveness && livenessProbe ? { livenessProbe } : {}),
    ...(keep.readiness && readinessProbe ? { readinessProbe } : {}),
    ...(keep.startup && startupProbe ? { startupProbe } : {}),
  }
}

/** The spec of a pod that looks at a node: in its namespaces, with its files under /host, as far as the profile goes. */
export function nodePodSpec(node: string, container: Container, profile: Profile): PodSpec {
  const isolated = profile === 'baseline' || profile === 'restricted'
  const withFiles = profile === 'legacy' || profile === 'general' || profile === 'sysadmin'
  const securityContext = profile === 'general' ? undefined : contexts[profile]
  return {
    containers: [
      {
        ...container,
        ...(securityContext ? { securityContext } : {}),
        ...(withFiles ? { volumeMounts: [{ name: 'host-root', mountPath: '/host' }] } : {}),
      },
    ],
    ...(withFiles ? { volumes: [{ name: 'host-root', hostPath: { path: '/' } }] } : {}),
    ...(isolated ? {} : { hostNetwork: true, hostPID: true, hostIPC: true }),
    nodeName: node,
    restartPolicy: 'Never',
    tolerations: [{ operator: 'Exists' }],
  }
}
