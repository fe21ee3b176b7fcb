import type { Addon } from '../../../../simulator/bootstrap/spec.ts'
import type { ClusterSnapshot } from '../../../../simulator/cluster/cluster.ts'
import { runProcess } from '../../../../simulator/kubelet/runtime/run-process.ts'
import type { KubeObject } from '../../../../simulator/kubernetes.ts'
import { heldCluster } from './held-cluster.ts'

/** The control plane's node, whose ports 80 and 443 lead to the controller. */
export const edge = '172.18.0.2'

/** A cluster with an ingress controller, and its workstation. Time is held and passes while something runs. */
export async function ingressWorld(addons: readonly Addon[], from?: ClusterSnapshot, loadBalancers?: number) {
  const { cluster, time, defects, pass } = heldCluster({ name: 'test', nodes: 2, cni: 'kindnet', seed: 1, addons, loadBalancers }, from)
  if (!from) await pass(90_000)
  const { api } = cluster

  /** A command line of the workstation, split at blanks. */
  async function run(line: string): Promise<{ code: number; out: string; err: string }> {
    const text = { out: '', err: '' }
    const sink = (to: 'out' | 'err') => ({
      write: async (data: Uint8Array | string) => void (text[to] += typeof data === 'string' ? data : new TextDecoder().decode(data)),
    })
    const started = runProcess(cluster.workstation, line.split(' '), { stdout: sink('out'), stderr: sink('err') })
    if ('problem' in started) throw new Error(`${line}: ${started.problem}`)
    let code: number | undefined
    void started.exit.then((value) => {
      code = value
    })
    for (let waited = 0; code === undefined && waited < 300_000; waited += 20) await pass(20)
    return { code: code ?? -1, ...text }
  }

  /** curl's options that lead to the ports of the control plane's node: ingress-nginx has 80 and 443, Traefik's Service whatever it got. */
  function throughEdge(): string {
    type Ports = KubeObject & { spec: { ports: { name: string; nodePort: number }[] } }
    const own = addons.includes('traefik') ? api.get<Ports>('services', 'traefik', 'traefik').spec.ports : []
    const at = (name: string, usual: number) => own.find((port) => port.name === name)?.nodePort ?? usual
    return `--connect-to :80:${edge}:${at('web', 80)} --connect-to :443:${edge}:${at('websecure', 443)}`
  }

  return {
    cluster,
    api,
    pass,
    run,
    defects,
    now: () => time.now(),
    create: (resource: string, object: object) => api.create(resource, object as KubeObject),
    /** Status and body of a request that goes to the edge, whatever its host. */
    async get(url: string): Promise<{ status: number; body: string }> {
      const ran = await run(`curl -sk ${throughEdge()} -w \n%{http_code} ${url}`)
      const [body = '', status = '0'] = ran.out.split(/\n(?=\d{3}$)/)
      return { status: Number(status), body }
    },
    throughEdge,
    async logs(namespace: string): Promise<string> {
      const lines: string[] = []
      for (const { metadata } of api.list<KubeObject>('pods', { namespace })) {
        const path = `https://api/api/v1/namespaces/${namespace}/pods/${metadata?.name}/log`
        const response = await cluster.server.fetch(new Request(path, { headers: { authorization: 'Bearer p' } }))
        lines.push(await response.text())
      }
      return lines.join('')
    },
    events: (name: string) =>
      api
        .list<KubeObject & { reason: string; message: string; involvedObject: { name: string } }>('events')
        .filter(({ involvedObject }) => involvedObject.name === name)
        .map(({ reason, message }) => `${reason}: ${message}`),
    /** A Deployment of whoami and its Service. */
    web(name: string, more: { port?: number; targetPort?: number | string; replicas?: number } = {}) {
      const app = { app: name }
      const container = {
        name: 'whoami',
        image: 'traefik/whoami',
        ports: [{ name: 'http', containerPort: 80 }],
        env: [{ name: 'WHOAMI_NAME', value: name }],
      }
      api.create('deployments.apps', {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name, namespace: 'default' },
        spec: {
          replicas: more.replicas ?? 1,
          selector: { matchLabels: app },
          template: { metadata: { labels: app }, spec: { containers: [container] } },
        },
      } as KubeObject)
      const ports = [{ port: more.port ?? 80, targetPort: more.targetPort ?? 80 }]
      api.create('services', {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name, namespace: 'default' },
        spec: { selector: app, ports },
      } as KubeObject)
    },
  }
}

export type IngressWorld = Awaited<ReturnType<typeof ingressWorld>>

export interface Route {
  readonly host?: string
  readonly path?: string
  readonly type?: 'Exact' | 'Prefix' | 'ImplementationSpecific'
  readonly service: string
  readonly port?: number | string
}

/** An Ingress of namespace default. */
export function ingress(
  name: string,
  routes: readonly Route[],
  more: { className?: string; annotations?: Record<string, string>; tls?: { hosts?: string[]; secretName?: string }[] } = {},
): KubeObject {
  const rules = routes.map(({ host, path = '/', type = 'Prefix', service, port = 80 }) => ({
    ...(host === undefined ? {} : { host }),
    http: {
      paths: [
        {
          path,
          pathType: type,
          backend: { service: { name: service, port: typeof port === 'number' ? { number: port } : { name: port } } },
        },
      ],
    },
  }))
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, namespace: 'default', ...(more.annotations ? { annotations: more.annotations } : {}) },
    spec: { ...(more.className === undefined ? {} : { ingressClassName: more.className }), ...(more.tls ? { tls: more.tls } : {}), rules },
  } as KubeObject
}
