import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { breadthLines, manifests, scalars } from './breadth-lines.ts'
import { certificateRequest } from './certificate-request.ts'
import { byChance, differences } from './differences.ts'
import { kubectlSession } from './session.ts'
import { sideBySide } from './side-by-side.ts'

/** A cluster with an object of nearly every kind; nothing changes it while the lines run, so several run at once. */
let session: Awaited<ReturnType<typeof kubectlSession>>
const world = (name: string) => readFileSync(join(fileURLToPath(import.meta.url), '..', 'world', name), 'utf8')

beforeAll(async () => {
  session = await kubectlSession('1.35')
  const steps: [line: string, input?: string][] = [
    ['create namespace quota'],
    ['create priorityclass high --value=1000 --description=high'],
    ['apply -f -', world('objects.yaml')],
    ['wait --for=condition=established crd/toys.example.org --timeout=10s'],
    ['apply -f -', world('toy.yaml')],
    ['rollout status deployment/web -n shop --timeout=20s'],
    ['wait --for=condition=Ready pod/box -n shop --timeout=20s'],
    ['wait --for=condition=complete job/once -n shop --timeout=20s'],
  ]
  for (const name of ['jane', 'eve']) steps.push(['apply -f -', (await certificateRequest(name)).manifest])
  for (const [line, input] of steps) {
    const { code, err } = await session.kubectl(line, { input })
    if (code !== 0) throw new Error(`${line}: ${err}`)
  }
})
afterAll(() => session.close())

const agrees = async (line: string, input = '') => {
  // Ages turn over and crashing pods change between two runs: a further try agrees.
  let pair = await sideBySide(session, line, input)
  for (let attempt = 0; attempt < 4 && JSON.stringify(pair.real) !== JSON.stringify(pair.ours); attempt++)
    pair = await sideBySide(session, line, input)
  expect(pair.ours).toEqual(pair.real)
}

it.concurrent.each(breadthLines.filter((line) => !(line in differences)))('%s', (line) => agrees(line))
/** A difference that is gone is to be struck from the list. */
it.concurrent.each(breadthLines.filter((line) => line in differences && !byChance.has(line)))('%s: still differs', async (line) => {
  const { real, ours } = await sideBySide(session, line)
  expect(ours).not.toEqual(real)
})
it.concurrent.each(manifests)('create -f - --dry-run=client < %j', (input) => agrees('create -f - --dry-run=client', input))
it.concurrent.each(scalars)('data: {a: %s}', (scalar) =>
  agrees(
    'create -f - --dry-run=client --validate=false -o json',
    `apiVersion: a.b/v1\nkind: C\ndata: {a: ${scalar}, b: [${scalar}]}\nmetadata: {name: x}\n`,
  ),
)
