import { mkdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Refused } from '../../server/refused.ts'
import { readLabFlags } from './lab-flags.ts'

/** `faultline lab new <id>`: a small sound lab (a Service whose selector matches nothing) to change into one's own. */
export async function newLab(argv: readonly string[]): Promise<number> {
  const { ids, labs } = readLabFlags(argv)
  const [id] = ids
  if (id === undefined || ids.length > 1 || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(id)) {
    throw new Refused('bad-flag', 'A new lab needs one name of lower-case words joined by dashes.', {
      mend: 'For example: faultline lab new wrong-port.',
    })
  }
  const folder = join(labs, id)
  if ((await stat(folder).catch(() => undefined)) !== undefined) {
    throw new Refused('lab-exists', `There is a lab ${id} already, in ${folder}.`, { mend: 'Choose another name.' })
  }
  for (const [name, text] of Object.entries(files(id))) {
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
  process.stdout.write(`Written to ${folder}. Change it, and prove it with \`faultline lab test ${id}\`.\n`)
  return 0
}

function files(id: string): Readonly<Record<string, string>> {
  return {
    'lab.yaml': `# yaml-language-server: $schema=../schema.json
apiVersion: faultline.dev/v1
kind: Lab
title: ${id.replaceAll('-', ' ')}
summary: The shop's web front does not answer inside the cluster.
track: Services
level: beginner
symptoms: [connection refused]
minutes: 10
cluster: { nodes: 3, cni: kindnet, kubernetes: "1.34" }
engines: [simulated]
tasks:
  - id: web-answers
    title: The web front answers through its Service
    points: 100
    checks:
      - id: answers
        title: web.shop answers HTTP
        reach:
          from: pod shop/app=client
          url: http://web.shop.svc.cluster.local/
          expect: { status: 200 }
        pass: The web front answers through its Service.
        fail: The web front does not answer through its Service.
      - id: workload-kept
        title: The workload is left alone
        untouched: { objects: Deployment shop/web }
        pass: The Deployment is as it was.
        fail: The Deployment was changed.
hints:
  - { text: "Which pods does the Service send to?", cost: 10 }
`,
    'README.md': `# ${id}\n\nSince this morning nothing in the cluster reaches \`http://web.shop.svc.cluster.local/\`. Mend it without changing the Deployment.\n`,
    'debrief.md': `A Service sends to the pods that its selector matches; this one matched none.\n\n\`kubectl -n shop get endpointslices\` would have shown it first.\n`,
    'world/shop.yaml': `apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: "nginx:1.27", ports: [{ containerPort: 80 }] }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: client, namespace: shop }
spec:
  selector: { matchLabels: { app: client } }
  template:
    metadata: { labels: { app: client } }
    spec: { containers: [{ name: client, image: "busybox:1.36", command: [sleep, infinity] }] }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
`,
    'fault/service.yaml': `apiVersion: v1\nkind: Service\nmetadata: { name: web, namespace: shop }\nspec: { selector: { app: wbe } }\n`,
    'solutions/selector.sh': `kubectl -n shop patch service web --patch '{"spec":{"selector":{"app":"web"}}}'\n`,
    'wrong-fixes/scale.sh': `# caught-by: workload-kept\nkubectl -n shop scale deployment web --replicas=4\n`,
  }
}
