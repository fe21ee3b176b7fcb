import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../kubernetes.ts'
import { StatusError } from '../api.ts'
import { tinyWorld } from '../testing/tiny-world.ts'

// The same run each time; a failure prints the seed and the path to the smallest counterexample.
fc.configureGlobal({ seed: 2_026 })

const keys = ['a', 'b', 'c', 'constructor'] as const
const data = fc.dictionary(fc.constantFrom(...keys), fc.constantFrom('1', '2'), { maxKeys: 4 })
const manager = fc.constantFrom('one', 'two', 'three')
const history = fc.array(fc.record({ manager, data, force: fc.boolean() }), { minLength: 1, maxLength: 8 })

type Data = Record<string, string>
type Applied = { object: KubeObject } | { refused: StatusError }

function world() {
  const { api } = tinyWorld()
  const apply = (fieldManager: string, data: Data, force = false): Applied => {
    try {
      const patch = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, data }
      return { object: api.patch('configmaps', 'default', 'x', patch, { type: 'apply', fieldManager, force }) }
    } catch (error) {
      if (error instanceof StatusError) return { refused: error }
      throw error
    }
  }
  const now = () => api.find<KubeObject & { data?: Data }>('configmaps', 'default', 'x')
  return { api, apply, now }
}

/** Which data each manager owns, as the record says. */
function owners(object: KubeObject | undefined): Map<string, Set<string>> {
  const result = new Map<string, Set<string>>()
  for (const entry of object?.metadata?.managedFields ?? []) {
    const fields = ((entry.fieldsV1 as Record<string, unknown>)['f:data'] ?? {}) as object
    result.set(
      entry.manager!,
      new Set(
        Object.keys(fields)
          .filter((field) => field.startsWith('f:'))
          .map((field) => field.slice(2)),
      ),
    )
  }
  return result
}

describe('server-side apply', () => {
  it('is idempotent: what was applied can be applied again, and nothing is written', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const { apply, now } = world()
        for (const step of steps) {
          if ('refused' in apply(step.manager, step.data, step.force)) continue
          const before = now()
          expect(apply(step.manager, step.data, step.force)).toEqual({ object: before })
          expect(now()).toBe(before)
        }
      }),
    )
  })

  it('ends with what was applied: every field of the applied configuration is there, with its value', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const { apply, now } = world()
        for (const step of steps) {
          if ('object' in apply(step.manager, step.data, step.force)) expect(now()!.data ?? {}).toMatchObject(step.data)
        }
      }),
    )
  })

  it('never records an owner of what is not there, and leaves nothing there that nobody owns', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const { apply, now } = world()
        for (const step of steps) {
          apply(step.manager, step.data, step.force)
          const owned = new Set([...owners(now()).values()].flatMap((fields) => [...fields]))
          expect([...owned].sort()).toEqual(Object.keys(now()?.data ?? {}).sort())
        }
      }),
    )
  })

  it('gives each manager exactly the fields that it last applied, but for those that others took by force', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const { apply, now } = world()
        for (const step of steps) {
          if ('refused' in apply(step.manager, step.data, step.force)) continue
          expect(owners(now()).get(step.manager) ?? new Set()).toEqual(new Set(Object.keys(step.data)))
        }
      }),
    )
  })

  it('conflicts both ways or not at all, over the same fields', () => {
    fc.assert(
      fc.property(data, data, (left, right) => {
        const fields = (first: Data, second: Data) => {
          const { apply } = world()
          apply('one', first)
          const outcome = apply('two', second)
          if (!('refused' in outcome)) return []
          expect(outcome.refused).toMatchObject({ code: 409, reason: 'Conflict' })
          return outcome.refused.status.details?.causes?.map(({ field }) => field).sort()
        }
        expect(fields(left, right)).toEqual(fields(right, left))
        expect(fields(left, right)).toEqual(
          Object.keys(left)
            .filter((key) => Object.hasOwn(right, key) && right[key] !== left[key])
            .map((key) => `.data.${key}`)
            .sort(),
        )
      }),
    )
  })

  it('by force always succeeds, and then the loser owns it no more', () => {
    fc.assert(
      fc.property(data, data, (left, right) => {
        const { apply, now } = world()
        apply('one', left)
        expect(apply('two', right, true)).toHaveProperty('object')
        const lost = Object.keys(left).filter((key) => Object.hasOwn(right, key) && right[key] !== left[key])
        for (const key of lost) expect(owners(now()).get('one')?.has(key) ?? false).toBe(false)
      }),
    )
  })
})
