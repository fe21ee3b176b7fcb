import { afterAll, beforeAll, expect, it } from 'vitest'
import { components } from '../../simulator/programs/metrics-server/components.ts'
import { eventually, kubectlSession } from './session.ts'

let session: Awaited<ReturnType<typeof kubectlSession>>
beforeAll(async () => {
  session = await kubectlSession('1.35')
})
afterAll(() => session.close())

const workload = `apiVersion: apps/v1
kind: Deployment
metadata: { name: php-apache }
spec:
  selector: { matchLabels: { run: php-apache } }
  template:
    metadata: { labels: { run: php-apache } }
    spec:
      containers:
      - name: php-apache
        image: registry.k8s.io/hpa-example
        resources: { limits: { cpu: 500m }, requests: { cpu: 200m } }
---
apiVersion: v1
kind: Service
metadata: { name: php-apache }
spec: { ports: [{ port: 80 }], selector: { run: php-apache } }
`

it('goes the way of the documentation: no metrics, metrics-server with its flag for kind, top, autoscale', async () => {
  const { kubectl } = session
  expect(await kubectl('top nodes')).toMatchObject({ code: 1, err: 'error: Metrics API not available\n' })
  expect((await kubectl('get apiservices v1.apps')).out).toMatch(/^NAME +SERVICE +AVAILABLE +AGE\nv1\.apps +Local +True +\S+\n$/)
  expect((await kubectl('apply -f -', { input: workload })).code).toBe(0)
  expect((await kubectl('autoscale deployment php-apache --cpu=50% --min=1 --max=10')).out).toBe(
    'horizontalpodautoscaler.autoscaling/php-apache autoscaled\n',
  )
  expect((await kubectl('get hpa')).out).toMatch(
    /^NAME +REFERENCE +TARGETS +MINPODS +MAXPODS +REPLICAS +AGE\nphp-apache +Deployment\/php-apache +cpu: <unknown>\/50% +1 +10 +0 /,
  )
  const applied = await kubectl('apply -f -', { input: components })
  expect(applied.err).toBe('')
  expect(applied.out).toContain('apiservice.apiregistration.k8s.io/v1beta1.metrics.k8s.io created')
  const unavailable = await kubectl('get apiservices v1beta1.metrics.k8s.io')
  expect(unavailable.out).toMatch(/kube-system\/metrics-server +False \(MissingEndpoints\)/)
  // Of a group whose server cannot be reached client-go knows nothing.
  expect(await kubectl('top nodes')).toMatchObject({ code: 1, err: 'error: Metrics API not available\n' })
  const logs = await eventually(
    () => kubectl('logs -n kube-system deploy/metrics-server'),
    ({ out }) => out.includes('Failed to scrape node'),
  )
  expect(logs.out).toMatch(
    /"Failed to scrape node" err="Get \\"https:\/\/172\.18\.0\.\d:10250\/metrics\/resource\\": tls: failed to verify certificate: x509: cannot validate certificate for/,
  )

  const flag = `[{"op":"add","path":"/spec/template/spec/containers/0/args/-","value":"--kubelet-insecure-tls"}]`
  expect((await kubectl(`patch deploy metrics-server -n kube-system --type=json -p '${flag}'`)).out).toBe(
    'deployment.apps/metrics-server patched\n',
  )
  expect((await kubectl('rollout status deploy/metrics-server -n kube-system --timeout=60s')).out).toContain('successfully rolled out')
  const nodes = await eventually(
    () => kubectl('top nodes'),
    ({ code }) => code === 0,
    20,
  )
  expect(nodes.out).toMatch(
    /^NAME +CPU\(cores\) +CPU\(%\) +MEMORY\(bytes\) +MEMORY\(%\) +\n(faultline-\S+ +\d+m +\d+% +\d+Mi +\d+% +\n){3}$/,
  )
  expect((await kubectl('top pods')).out).toMatch(/^NAME +CPU\(cores\) +MEMORY\(bytes\) +\nphp-apache-\S+ +\d+m +\d+Mi +\n$/)
  expect((await kubectl('top pods -A --containers')).out).toMatch(/^NAMESPACE +POD +NAME +CPU\(cores\) +MEMORY\(bytes\) +\n/)
  expect(await kubectl('top pod nobody')).toMatchObject({
    code: 1,
    err: 'Error from server (NotFound): podmetrics.metrics.k8s.io "default/nobody" not found\n',
  })
  expect((await kubectl('api-resources --api-group=metrics.k8s.io')).out).toMatch(
    /nodes +metrics\.k8s\.io\/v1beta1 +false +NodeMetrics\npods +metrics\.k8s\.io\/v1beta1 +true +PodMetrics/,
  )
  expect((await kubectl('get pods.metrics.k8s.io')).out).toMatch(/^NAME +CPU +MEMORY +WINDOW\nphp-apache-\S+ +\d+n +\d+Ki +15s\n$/)

  const described = await eventually(
    () => kubectl('describe hpa php-apache'),
    ({ out }) => out.includes('ValidMetricFound'),
    40,
  )
  expect(described.out).toMatch(/resource cpu on pods +\(as a percentage of request\): +\d+% \(\d+m\) \/ 50%/)
  expect(described.out).toMatch(
    /AbleToScale +True +(ReadyForNewScale +recommended size matches current size|ScaleDownStabilized +recent recommendations were higher)/,
  )
  expect(described.out).toMatch(
    /ScalingActive +True +ValidMetricFound +the HPA was able to successfully calculate a replica count from cpu resource utilization \(percentage of request\)/,
  )
  expect(described.out).toMatch(
    /FailedGetResourceMetric +\S+ .*horizontal-pod-autoscaler +failed to get cpu utilization: unable to get metrics for resource cpu/,
  )
  expect(session.defects).toEqual([])
})

/** Usage moves between two runs; widths and everything else must agree. */
const steady = (text: string) => text.replace(/\d+(?=m |Mi |% )/g, (digits) => '#'.repeat(digits.length))

it.each([
  'top nodes',
  'top nodes --no-headers',
  'top nodes --sort-by=memory',
  'top node nobody',
  'top pods',
  'top pods -A',
  'top pods -n kube-system --containers',
  'top pods -A --sum',
  'top pods -A --containers --no-headers',
  'top pod nobody',
  'top pods --sort-by=name',
  'top pods -n kube-public',
  'top pod a b',
])("%s is shown by the terminal's kubectl as by the real one", async (line) => {
  let pair = await both(line)
  for (let attempt = 0; attempt < 3 && JSON.stringify(pair.real) !== JSON.stringify(pair.ours); attempt++) pair = await both(line)
  expect(pair.ours).toEqual(pair.real)
})

async function both(line: string) {
  const { code, out, err } = await session.kubectl(line)
  const { output } = await session.cluster.runScript(
    `kubectl ${line} >out 2>err </dev/null; echo $?; base64 -w 0 out; echo; base64 -w 0 err; echo`,
    {},
  )
  const [ownCode = '', ownOut = '', ownErr = ''] = output.split('\n')
  const text = (encoded: string) => Buffer.from(encoded, 'base64').toString()
  return {
    real: { code, out: steady(out), err: steady(err) },
    ours: { code: Number(ownCode), out: steady(text(ownOut)), err: steady(text(ownErr)) },
  }
}
