import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kubectlVersions } from '../real-kubectl.ts'
import { kubectlSession } from './session.ts'

const pods = `apiVersion: v1
kind: Pod
metadata: { name: web, labels: { app: web } }
spec:
  containers:
  - { name: web, image: "nginx:1.27-alpine", ports: [{ name: http, containerPort: 80 }] }
---
apiVersion: v1
kind: Pod
metadata: { name: echo }
spec:
  containers:
  - { name: echo, image: "busybox:1.36", command: [sh, -c, "nc -lk -p 7 -e cat"] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ name: front, port: 8080, targetPort: http }] }
`

describe.each(kubectlVersions)('kubectl %s streams', (version) => {
  let session: Awaited<ReturnType<typeof kubectlSession>>
  beforeAll(async () => {
    session = await kubectlSession(version)
    await session.kubectl('apply -f -', { input: pods })
    const ready = await session.kubectl('wait --for=condition=Ready pod/web pod/echo --timeout=20s')
    expect(ready.code, ready.err).toBe(0)
  })
  afterAll(async () => {
    expect(session.defects).toEqual([])
    await session.close()
  })

  async function forward(line: string) {
    const running = session.background(`port-forward ${line}`)
    const [, port] = await running.said(/Forwarding from 127\.0\.0\.1:(\d+) -> \d+/)
    return { ...running, port: Number(port) }
  }

  it('forwards a port to a pod, several connections at once', async () => {
    const running = await forward('pod/web :80')
    const pages = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const response = await fetch(`http://127.0.0.1:${running.port}/`)
        return [response.status, (await response.text()).includes('Welcome to nginx')]
      }),
    )
    expect(pages).toEqual(Array.from({ length: 8 }, () => [200, true]))
    expect(running.text()).toContain(`Handling connection for ${running.port}\n`)
    await running.stop()
  })
})
