import { afterAll, beforeAll, expect, it } from 'vitest'
import { kubectlSession } from './session.ts'
import { sideBySide } from './side-by-side.ts'

/** Exercises in the terminal, each beside the real kubectl where that can do the same. */
let session: Awaited<ReturnType<typeof kubectlSession>>
const run = async (line: string, input = '') => {
  const outcome = await session.kubectl(line, { input })
  if (outcome.code !== 0) throw new Error(`${line}: ${outcome.err}`)
  return outcome.out
}
beforeAll(async () => {
  session = await kubectlSession('1.35')
})
afterAll(async () => {
  await session.close()
  expect(session.defects).toEqual([])
})

it('output without a newline at its end is shown without one', async () => {
  await run('run part --image=busybox:1.36 --restart=Never -- printf a\\nb')
  await run('wait --for=jsonpath={.status.phase}=Succeeded pod/part --timeout=20s')
  for (const [line, out] of [
    ['logs part', 'a\nb'],
    ['logs part --tail=1', 'b'],
    ['logs part --prefix', '[pod/part/part] a\n[pod/part/part] b'],
    ['logs part -f', 'a\nb'],
  ] as const) {
    const { real, ours } = await sideBySide(session, line)
    expect([line, real]).toEqual([line, { code: 0, out, err: '' }])
    expect([line, ours]).toEqual([line, real])
  }
  expect(await run('logs part --timestamps')).toMatch(/^\d{4}-\S+Z a\n\d{4}-\S+Z b$/)
})
