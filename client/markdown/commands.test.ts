import { expect, it } from 'vitest'
import { commandLines, isCommand } from './commands.ts'

const typed = (block: string) => commandLines(block).flatMap((line) => line.command ?? [])

it('joins a continued line, for a line break would run its first half', () => {
  expect(typed('kubectl get pods \\\n  -l app=web \\\n  -A\n')).toEqual(['kubectl get pods -l app=web -A'])
})

it('takes neither comments nor the output of a transcript for commands', () => {
  expect(typed('# first\nkubectl get pods')).toEqual(['kubectl get pods'])
  expect(typed('$ dig web\n;; connection timed out\n$ ls')).toEqual(['dig web', 'ls'])
})

it('knows an inline command from a mere name', () => {
  expect(isCommand('kubectl get pods -A')).toBe(true)
  expect(isCommand('kubectl')).toBe(false)
  expect(isCommand('kube-system')).toBe(false)
  expect(isCommand('Corefile of CoreDNS')).toBe(false)
})
