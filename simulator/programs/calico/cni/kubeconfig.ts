import { parse } from 'yaml'
import { type Api, StatusError } from '../../../apiserver/api.ts'
import { type CniCall, CniError } from '../../process.ts'
import { type ClusterInformation, refusal, resources } from '../datastore.ts'

/** The API by the kubeconfig that the network configuration names. Throws CniError in the words of Calico's client. */
export function connect({ config, files, connectApi }: CniCall): Api {
  const path = (config['kubernetes'] as { kubeconfig?: string } | undefined)?.kubeconfig ?? ''
  if (!files.exists(path)) {
    throw new CniError(999, `error creating calico client: stat ${path}: no such file or directory`)
  }
  const kubeconfig = parse(files.readText(path)) as {
    clusters?: { cluster: { server: string } }[]
    users?: { user: { token?: string } }[]
  }
  const server = kubeconfig.clusters?.[0]?.cluster.server ?? ''
  const url = new URL(server)
  const asked = `${server}/apis/crd.projectcalico.org/v1/clusterinformations/default`
  let api: Api
  try {
    api = connectApi({ host: url.hostname, port: Number(url.port || 443) }, kubeconfig.users?.[0]?.user.token ?? '')
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new CniError(
      999,
      `error getting ClusterInformation: ${message === 'Unauthorized' ? 'connection is unauthorized: Unauthorized' : `Get "${asked}": ${message}`}`,
    )
  }
  const information = refused('error getting ClusterInformation: ', () =>
    api.find<ClusterInformation>(resources.cluster, undefined, 'default'),
  )
  if (!information) {
    throw new CniError(
      999,
      'error getting ClusterInformation: resource does not exist: ClusterInformation(default) with error: clusterinformations.crd.projectcalico.org "default" not found',
    )
  }
  if (!information.spec.datastoreReady) throw new CniError(999, 'Calico is currently not ready to process requests')
  return api
}

/** Runs requests to the API; what it refuses is the plugin's own failure. Throws CniError. */
export function refused<T>(context: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (error instanceof StatusError) throw new CniError(999, context + refusal(error))
    throw error
  }
}
