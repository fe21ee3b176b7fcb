import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A whole lab in files, for tests of the platform on the fake engine. */
export const sampleLab: Readonly<Record<string, string>> = {
  'lab.yaml': `# yaml-language-server: $schema=../schema.json
apiVersion: faultline.dev/v1
kind: Lab
title: Sample
summary: The web does not answer.
track: Services
level: beginner
symptoms: [refused]
minutes: 5
cluster: { nodes: 2, cni: kindnet, kubernetes: "1.34" }
engines: [simulated]
tasks:
  - id: answer
    title: The web answers
    points: 60
    checks:
      - id: web-answers
        title: The web answers from the workstation
        reach:
          from: workstation
          url: http://web.shop/
          expect: { status: 200 }
        pass: The web answers.
        fail: The web does not answer.
  - id: port
    title: The port is right
    points: 40
    checks:
      - id: port-right
        title: The Service names the right port
        state:
          objects: { service: Service shop/web }
          expr: service.spec.ports[0].targetPort == 8080
        pass: The port is right.
        fail: The port is wrong.
      - id: kept
        title: The workload is left alone
        untouched: { objects: Deployment shop/web }
        pass: The workload is as it was.
        fail: The workload was changed.
hints:
  - { text: Look at the Service., cost: 5 }
  - { text: Look at its ports., cost: 10 }
test: { ready: 3, armed: 1, solved: 3, settle: 0.3 }
`,
  'README.md': '# Sample\nThe web does not answer.\n',
  'debrief.md': 'The targetPort was wrong.\n',
  'world/shop.yaml': `apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec: { replicas: 2, template: { spec: { containers: [{ name: web, image: nginx }] } } }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { ports: [{ port: 80, targetPort: 8080 }] }
`,
  'fault/service.yaml': `apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { ports: [{ port: 80, targetPort: 8081 }] }
`,
  'solutions/patch.sh': 'set Service shop/web {"spec":{"ports":[{"port":80,"targetPort":8080}]}}\n',
  'wrong-fixes/scale.sh': '# caught-by: kept\nset Deployment shop/web {"spec":{"replicas":5}}\n',
}

/** Writes the sample with changes (undefined leaves a file out) to `<folder>/<id>`. */
export function writeSampleLab(folder: string, id: string, changes: Readonly<Record<string, string | undefined>> = {}): void {
  for (const [name, text] of Object.entries({ ...sampleLab, ...changes })) {
    if (text === undefined) continue
    const path = join(folder, id, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
}
