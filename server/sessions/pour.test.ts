import { expect, it } from 'vitest'
import type { Cluster } from '../engines/engine.ts'
import type { KubeClient } from '../kubernetes/client.ts'
import type { Lab } from '../labs/lab.ts'
import { injectFault } from './pour.ts'

it('names the file and the object of a fault that the cluster does not take', async () => {
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'shop' } }
  const lab = { id: 'sample', fault: [{ file: 'service.yaml', objects: [service] }] } as unknown as Lab
  const kube = { merge: () => Promise.reject(new Error('namespaces "shop" not found')) } as unknown as KubeClient
  await expect(injectFault(lab, {} as Cluster, kube, new AbortController().signal)).rejects.toMatchObject({
    code: 'fault-refused',
    message: 'The cluster did not take fault/service.yaml of the lab sample: Service shop/web: namespaces "shop" not found.',
  })
})
