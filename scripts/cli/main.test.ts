import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readLab } from '../../server/labs/read-lab.ts'
import { writeSampleLab } from '../../server/labs/sample-lab.ts'
import { junit } from './junit.ts'
import { main } from './main.ts'
import { table } from './table.ts'

let out = ''
let err = ''
beforeEach(() => {
  out = ''
  err = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text)
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += String(text)
    return true
  })
})
afterEach(() => vi.restoreAllMocks())

describe('the command line', () => {
  it('explains itself', async () => {
    expect(await main(['--help'])).toBe(0)
    expect(out).toMatch(/start .*\n.*lab .*\n.*simulate /)
    expect(await main(['lab', '--help'])).toBe(0)
    expect(out).toContain('--junit')
    expect(await main([])).toBe(2)
  })

  it('refuses what it does not know, with what it does', async () => {
    expect(await main(['strat'])).toBe(2)
    expect(err).toBe('faultline: There is no command "strat".\n  Commands: start, lab, simulate, manifests.\n')
    expect(await main(['toString'])).toBe(2)
    expect(await main(['help', 'strat'])).toBe(2)
    expect(await main(['lab', 'list', '--colour'])).toBe(2)
    expect(err).toContain("Unknown option '--colour'")
    expect(await main(['simulate', '--nodes', 'many'])).toBe(2)
    expect(err).toContain('--nodes takes a whole number, not "many"')
  })

  it('prints the manifests of a plugin, and says which there are', async () => {
    expect(await main(['manifests', 'flannel'])).toBe(0)
    expect(out).toMatch(/^apiVersion: v1\nkind: Namespace\nmetadata:\n {2}name: kube-flannel\n[\s\S]*\n---\n[\s\S]*kind: DaemonSet\n/)
    expect(await main(['manifests', 'fannel'])).toBe(2)
    expect(err).toBe('faultline: There are no manifests of "fannel".\n  Plugins: kindnet, flannel, weave, calico, canal.\n')
  })

  it('lists labs, and what is wrong with broken ones', async () => {
    const labs = mkdtempSync(join(tmpdir(), 'labs-'))
    writeSampleLab(labs, 'sample')
    expect(await main(['lab', 'list', '--labs', labs])).toBe(0)
    expect(out).toMatch(/LAB +TITLE[\s\S]*sample +Sample +Services +beginner +5 min +100/)
    writeSampleLab(labs, 'worse', { 'debrief.md': undefined })
    expect(await main(['lab', 'list', '--labs', labs])).toBe(1)
    expect(err).toContain('worse/debrief.md: is missing')
  })

  it('says that a named lab, the folder of labs or the report cannot be had before anything runs', async () => {
    const labs = mkdtempSync(join(tmpdir(), 'labs-'))
    writeSampleLab(labs, 'sample')
    expect(await main(['lab', 'test', 'smaple', '--labs', labs])).toBe(1)
    expect(err).toContain('There is no lab smaple in')
    expect(err).toContain('Labs: sample.')
    expect(await main(['lab', 'list', '--labs', join(labs, 'none')])).toBe(1)
    expect(err).toContain('cannot be read: there is none')
    expect(await main(['lab', 'test', '--labs', labs, '--junit', join(labs, 'none/report.xml')])).toBe(1)
    expect(err).toContain('The report cannot be written')
    expect(out).toBe('')
  })

  it('writes a new lab that the reader takes, and no second one over it', async () => {
    const labs = mkdtempSync(join(tmpdir(), 'labs-'))
    expect(await main(['lab', 'new', 'wrong-port', '--labs', labs])).toBe(0)
    expect(readdirSync(labs)).toEqual(['wrong-port'])
    expect(await readLab(labs, 'wrong-port')).toHaveProperty('lab')
    expect(await main(['lab', 'new', 'wrong-port', '--labs', labs])).toBe(1)
    expect(await main(['lab', 'new', 'Wrong', '--labs', labs])).toBe(2)
  })
})

it('aligns columns', () => {
  expect(
    table([
      ['A', 'B'],
      ['long', 'x'],
    ]),
  ).toBe('A      B\nlong   x\n')
})

it('writes JUnit with what failed, escaped', () => {
  const text = junit([
    {
      lab: 'a',
      engine: 'simulated',
      proofs: [
        { stage: 'world', problems: [], elapsed: 1500 },
        { stage: 'fault', problems: ['1 < 2 & "x"'], elapsed: 1 },
      ],
    },
  ])
  expect(text).toContain('<testsuite name="a on simulated" tests="2" failures="1">')
  expect(text).toContain('<testcase classname="a" name="world" time="1.5"/>')
  expect(text).toContain('<failure message="1 &lt; 2 &amp; &quot;x&quot;">')
})
