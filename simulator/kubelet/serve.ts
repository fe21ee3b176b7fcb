import { type Kubelet, podTitle } from './world.ts'

/** Paths of the kubelet's API that exist in reality and are not modelled. */
const unmodelled = /^\/(metrics|stats|logs|configz|checkpoint|debug|spec|run|exec|attach|portForward|containerLogs|cri|flagz|statusz)(\/|$)/

/** The kubelet's HTTP API for whoever may use it: /healthz, /pods and /runningpods/. */
export function serveKubelet(kubelet: Kubelet, method: string, path: string): Response {
  const plain = (status: number, text: string) =>
    new Response(text, { status, headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' } })
  if (method !== 'GET' && method !== 'HEAD') return plain(405, '405: Method Not Allowed')
  if (path === '/healthz' || path === '/healthz/') return plain(200, 'ok')
  if (path === '/pods' || path === '/pods/' || path === '/runningpods/') {
    const pods = [...kubelet.pods.values()]
      .filter((pod) => path !== '/runningpods/' || !kubelet.state.pods[pod.metadata?.uid ?? '']?.over)
      .sort((a, b) => (podTitle(a) < podTitle(b) ? -1 : 1))
    const list = {
      kind: 'PodList',
      apiVersion: 'v1',
      metadata: {},
      items: pods.map(({ metadata, spec, status }) => ({ metadata, spec, status })),
    }
    return new Response(JSON.stringify(list), { status: 200, headers: { 'content-type': 'application/json' } })
  }
  if (unmodelled.test(path)) return plain(501, `the simulated kubelet does not model ${path}`)
  return plain(404, '404 page not found\n')
}
