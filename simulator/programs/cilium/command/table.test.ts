import { expect, it } from 'vitest'
import { table } from './table.ts'

it('aligns what stands among neighbours, as a tabwriter does', () => {
  const rows = [
    ['KVStore:', 'Disabled', ''],
    ['Kubernetes:', 'Ok', '1.34'],
    ['Routing:', 'Network: Tunnel'],
    ['IPAM:', 'Ok', 'x'],
  ]
  expect(table(rows)).toBe(
    ['KVStore:      Disabled   ', 'Kubernetes:   Ok         1.34', 'Routing:      Network: Tunnel', 'IPAM:         Ok   x', ''].join('\n'),
  )
})
