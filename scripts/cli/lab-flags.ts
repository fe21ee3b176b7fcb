import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Refused } from '../../server/refused.ts'
import { root } from './root.ts'

export interface LabFlags {
  readonly ids: readonly string[]
  readonly labs: string
  readonly json: boolean
  readonly junit: string | undefined
  /** Seconds. */
  readonly budget: number
}

export function readLabFlags(argv: readonly string[]): LabFlags {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        labs: { type: 'string' },
        json: { type: 'boolean' },
        junit: { type: 'string' },
        budget: { type: 'string', default: '120' },
      },
    })
    const budget = Number(values.budget)
    if (!(budget > 0)) throw new Error(`--budget takes seconds, not "${values.budget}"`)
    return {
      ids: positionals,
      labs: resolve(values.labs ?? process.env['FAULTLINE_LABS'] ?? resolve(root, 'labs')),
      json: values.json ?? false,
      junit: values.junit,
      budget,
    }
  } catch (error) {
    throw new Refused('bad-flag', `${(error as Error).message.split('\n')[0]}`, { mend: 'See `faultline lab --help`.' })
  }
}
