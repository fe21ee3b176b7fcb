import type { ClusterSpec } from '../../server/engines/engine.ts'
import { type Hosted, hostCluster } from '../../server/engines/simulated/hosted.ts'

export const spec: ClusterSpec = { nodes: 3, cni: 'kindnet', kubernetes: '1.34', seed: 1 }

/** A benchmark that meets a defect has nothing to say. */
export const report = (error: unknown) => {
  throw error
}

/** A cluster in this thread: from what was saved, or as a fork of the template, which is made when there is none yet. */
export function host(saved?: Parameters<typeof hostCluster>[0]['saved'], seed = 1): Promise<Hosted> {
  return hostCluster({ spec: { ...spec, seed }, tokens: { platform: 'platform', learner: 'learner' }, saved, report, changed: () => {} })
}

export function deploy({ cluster }: Hosted, replicas: number, nodePort?: number): void {
  const labels = { app: 'web' }
  cluster.api.create('deployments.apps', {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'web', image: 'nginx:1.27-alpine', ports: [{ containerPort: 80 }] }] },
      },
    },
  })
  if (nodePort === undefined) return
  cluster.api.create('services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default' },
    spec: { type: 'NodePort', selector: labels, ports: [{ port: 80, nodePort }] },
  })
}

export function available(hosted: Hosted): number {
  return hosted.cluster.api.find<any>('deployments.apps', 'default', 'web')?.status?.availableReplicas ?? 0
}

export async function untilAvailable(hosted: Hosted, replicas: number): Promise<void> {
  while (available(hosted) < replicas) await new Promise((resolve) => setTimeout(resolve, 1))
}
