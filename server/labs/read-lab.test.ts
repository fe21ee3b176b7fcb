import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeProblem } from './problems.ts'
import { readLab, readLabs } from './read-lab.ts'
import { parseObjectReference, parseSource } from './references.ts'
import { sampleLab, writeSampleLab } from './sample-lab.ts'
import { labJsonSchema } from './schema.ts'

const yaml = sampleLab['lab.yaml'] ?? ''

async function problems(changes: Record<string, string | undefined>): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'labs-'))
  writeSampleLab(folder, 'sample', changes)
  const read = await readLab(folder, 'sample')
  return 'problems' in read ? read.problems.map(describeProblem) : []
}

describe('a lab folder', () => {
  it('is read whole', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'labs-'))
    writeSampleLab(folder, 'sample')
    const [read] = await readLabs(folder)
    if (read === undefined || !('lab' in read)) throw new Error(JSON.stringify(read))
    expect(read.lab.world.map((object) => object.kind)).toEqual(['Namespace', 'Deployment', 'Service'])
    expect(read.lab.solutions.map((script) => script.name)).toEqual(['patch'])
    expect(read.lab.wrongFixes[0]?.caughtBy).toBe('kept')
    expect(read.lab.file.tasks[0]?.checks[0]?.reach?.timeout).toBe(2)
  })

  it('says where a value is wrong, what was found and what is allowed', async () => {
    expect(await problems({ 'lab.yaml': yaml.replace('points: 60', 'points: ten') })).toEqual([
      'sample/lab.yaml:15:13: tasks[0].points: found "ten"; allowed: a number',
    ])
    expect(await problems({ 'lab.yaml': yaml.replace('level: beginner', 'level: easy') })).toEqual([
      'sample/lab.yaml:7:8: level: found "easy"; allowed: beginner, intermediate, advanced',
    ])
  })

  it('takes no alias without an anchor, no aliases without end and no unknown tag, and reads on with the other labs', async () => {
    expect(await problems({ 'lab.yaml': yaml.replace('title: Sample', 'title: *sample') })).toEqual([
      expect.stringMatching(/^sample\/lab\.yaml:4:8: is no usable YAML: Unresolved alias .*sample$/),
    ])
    const bomb = `a: &a [x, x]\n${[...'bcdefgh'].map((each, index) => `${each}: &${each} [${Array(9).fill(`*${'abcdefg'[index]}`)}]\n`).join('')}`
    expect(await problems({ 'lab.yaml': bomb })).toEqual([expect.stringMatching(/is no usable YAML: Excessive alias count/)])
    expect(await problems({ 'lab.yaml': yaml.replace('title: Sample', 'title: !!js/function x') })).toEqual([
      expect.stringMatching(/^sample\/lab\.yaml:4:8: is no valid YAML: Unresolved tag/),
    ])
  })

  it('speaks of the lab, not of the libraries that read it', async () => {
    expect(await problems({ 'lab.yaml': 'a: 1\n---\nb: 2\n' })).toEqual([
      'sample/lab.yaml:2:1: is no valid YAML: it holds more than one document; a lab is one',
    ])
    expect(await problems({ 'lab.yaml': yaml.replace(/url: http.*/, 'url: ftp://web/') })).toEqual([
      expect.stringMatching(/reach\.url: found "ftp:\/\/web\/"; allowed: an address such as `http:/),
    ])
  })

  it('says that there is no folder of labs', async () => {
    await expect(readLabs('/nowhere/labs')).rejects.toMatchObject({ code: 'no-labs-folder', mend: expect.stringContaining('--labs') })
  })

  it('points at an unknown field and suggests the near one', async () => {
    const [problem] = await problems({ 'lab.yaml': yaml.replace('          url: http', '          urll: http') })
    expect(problem).toMatch(/^sample\/lab\.yaml:\d+:11: tasks\[0\]\.checks\[0\]\.reach: unknown field `urll`, did you mean `url`\?/)
  })

  it('names a missing field at the map that lacks it', async () => {
    expect(await problems({ 'lab.yaml': yaml.replace('title: Sample\n', '') })).toEqual([
      'sample/lab.yaml:2:1: title: is missing; allowed: a text',
    ])
  })

  it('refuses a check kind of a later version by name', async () => {
    const [problem] = await problems({ 'lab.yaml': yaml.replace('reach:', 'command:') })
    expect(problem).toContain('the check kind `command` is not supported by this version')
  })

  it('compiles expressions, and lists the names that one may use', async () => {
    expect(await problems({ 'lab.yaml': yaml.replace('service.spec.ports[0]', 'svc.spec.ports[0]') })).toEqual([
      expect.stringMatching(
        /^sample\/lab\.yaml:\d+:17: tasks\[1\]\.checks\[0\]\.state\.expr: is no valid CEL expression: .*svc.*names it may use: service$/,
      ),
    ])
  })

  it('refuses one id twice', async () => {
    const [problem] = await problems({ 'lab.yaml': yaml.replace('id: kept', 'id: web-answers') })
    expect(problem).toContain('check web-answers is there twice, first at tasks[0].checks[0].id')
  })

  it('reports YAML that cannot be read, with its place', async () => {
    expect((await problems({ 'lab.yaml': 'title: [\n' }))[0]).toMatch(/^sample\/lab\.yaml:\d+:\d+: is no valid YAML/)
    expect((await problems({ 'world/shop.yaml': 'kind: [\n' }))[0]).toMatch(/^sample\/world\/shop\.yaml:\d+:\d+: /)
    expect((await problems({ 'world/shop.yaml': 'kind: Pod\n' }))[0]).toContain('has no apiVersion')
  })

  it('asks for a solution, a fault, the story and what catches a wrong fix', async () => {
    expect(await problems({ 'solutions/patch.sh': undefined, 'fault/service.yaml': undefined, 'README.md': undefined })).toEqual([
      expect.stringContaining('sample/README.md: is missing'),
      expect.stringContaining('sample/fault: no fault'),
      expect.stringContaining('sample/solutions: no solution'),
    ])
    expect((await problems({ 'wrong-fixes/scale.sh': 'echo\n' }))[0]).toContain('add a line `# caught-by: <check id>`')
    expect((await problems({ 'wrong-fixes/scale.sh': '# caught-by: nothing\n' }))[0]).toContain('allowed: web-answers, port-right, kept')
  })
})

describe('references', () => {
  it('read objects by name, by labels and all of a kind', () => {
    expect(parseObjectReference('Deployment shop/web')).toEqual({ kind: 'Deployment', namespace: 'shop', name: 'web' })
    expect(parseObjectReference('Pod shop/app=web,tier!=db')).toEqual({ kind: 'Pod', namespace: 'shop', selector: 'app=web,tier!=db' })
    expect(parseObjectReference('Pod kube-system/app.kubernetes.io/name=x')).toEqual({
      kind: 'Pod',
      namespace: 'kube-system',
      selector: 'app.kubernetes.io/name=x',
    })
    expect(parseObjectReference('Node *')).toEqual({ kind: 'Node' })
    expect(parseObjectReference('Node worker')).toEqual({ kind: 'Node', name: 'worker' })
    expect(parseObjectReference('Widget.example.com/v1 shop/x')).toEqual({
      kind: 'Widget',
      apiVersion: 'example.com/v1',
      namespace: 'shop',
      name: 'x',
    })
    expect(parseObjectReference('pods')).toBeUndefined()
  })

  it('read sources', () => {
    expect(parseSource('workstation')).toEqual({ workstation: true })
    expect(parseSource('node worker-1')).toEqual({ node: 'worker-1' })
    expect(parseSource('pod shop/app=web container side')).toEqual({ pod: { namespace: 'shop', selector: 'app=web', container: 'side' } })
    expect(parseSource('pod web')).toBeUndefined()
  })
})

it('the JSON Schema completes what the reader reads', () => {
  const schema = labJsonSchema() as { properties: Record<string, unknown>; required: string[] }
  expect(Object.keys(schema.properties)).toContain('tasks')
  expect(schema.required).not.toContain('hints')
})
