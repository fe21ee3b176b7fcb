import { act, cleanup, screen, waitFor, within } from '@testing-library/react'
import { afterEach, expect, it, vi } from 'vitest'
import { check, session } from '../testing/examples.ts'
import { answerFetch, openPage } from '../testing/page.tsx'

// xterm needs a real browser; what ties it to the server is tested in terminal/.
vi.mock('../terminal/TerminalView.tsx', () => ({ default: () => null }))
afterEach(cleanup)

const tasks = (state: 'failed' | 'passed') => [{ id: 'dns', title: 'Names resolve again', points: 100, checks: [check(state)] }]

function open(view = session()) {
  const asked = answerFetch({
    'GET /api/sessions/s1': () => view,
    'POST /api/sessions/s1/hint': () =>
      session({ hints: [{ text: 'Look at CoreDNS.', cost: 5 }], score: { earned: 0, possible: 100, hintCost: 5 } }),
    'POST /api/sessions/s1/finish': () => session({ state: 'finished', tasks: tasks('passed'), debrief: 'It was the Corefile.' }),
    'POST /api/sessions/s1/reset': () => session(),
  })
  return { ...openPage('/sessions/s1'), asked }
}

it('shows what a failed check expected, saw and from where', async () => {
  open()
  const evidence = await screen.findByLabelText('Evidence for The shop finds its database')
  expect(evidence.textContent).toContain('Expected10.96.41.7SeenSERVFAILFromprod/web')
})

it('follows the session, turns its checks and announces them politely', async () => {
  const { wire } = open()
  await screen.findByRole('heading', { name: 'Tasks' })
  expect(wire.sent('follow')).toContainEqual({ session: 's1' })
  act(() => wire.receive('session', session({ tasks: tasks('passed') })))
  const live = screen.getByTestId('announcements')
  expect(live.getAttribute('aria-live')).toBe('polite')
  await waitFor(() => expect(live.textContent).toContain('Check passed: The shop finds its database.'))
  expect(screen.getByText('1 of 1 checks hold')).toBeTruthy()
  expect(screen.getByText('Everything holds.')).toBeTruthy()
})

it('ignores another session of the same server', async () => {
  const { wire } = open()
  await screen.findByRole('heading', { name: 'Tasks' })
  act(() => wire.receive('session', session({ id: 'other', tasks: tasks('passed') })))
  expect(screen.getByText('0 of 1 checks hold')).toBeTruthy()
})

it('says which engine runs, in words', async () => {
  open()
  await screen.findByRole('heading', { name: 'Tasks' })
  expect(within(screen.getByRole('banner')).getByText('Simulated')).toBeTruthy()
})

it('asks before a hint costs points', async () => {
  const { person, asked } = open()
  await person.click(await screen.findByRole('button', { name: 'Show hint 1 of 2' }))
  expect(asked).not.toContain('POST /api/sessions/s1/hint')
  await person.click(await screen.findByRole('button', { name: 'Show the hint' }))
  expect(await screen.findByText('Look at CoreDNS.')).toBeTruthy()
})

it('asks before finishing with open checks, and then shows the debrief', async () => {
  const { person } = open()
  await person.click(await screen.findByRole('button', { name: 'Finish' }))
  await person.click(await screen.findByRole('button', { name: 'Finish anyway' }))
  expect(await screen.findByRole('heading', { name: 'Repaired.' })).toBeTruthy()
  expect(await screen.findByText('It was the Corefile.')).toBeTruthy()
})

it('takes the session up again after the connection was lost', async () => {
  const { wire } = open()
  await screen.findByRole('heading', { name: 'Tasks' })
  const before = wire.sent('follow').length
  act(() => wire.become(false))
  expect(await screen.findByText(/Connection lost/)).toBeTruthy()
  act(() => wire.become(true))
  expect(wire.sent('follow').length).toBe(before + 1)
})

it('moves a separator by keyboard and remembers it', async () => {
  const { person } = open()
  const line = await screen.findByRole('separator', { name: 'Width of the Lab panel' })
  const width = Number(line.getAttribute('aria-valuenow'))
  act(() => line.focus())
  await person.keyboard('{ArrowRight}')
  expect(line.getAttribute('aria-valuenow')).toBe(String(width + 16))
  expect(localStorage.getItem('faultline.panels')).toContain(String(width + 16))
})

it('shows the steps of provisioning, and a failure with its mend and a retry', async () => {
  open(
    session({
      state: 'failed',
      steps: [{ name: 'Make 3 nodes', state: 'failed', elapsed: 1200 }],
      failure: { code: 'x', message: 'The node image is missing.', mend: 'Pull it.' },
    }),
  )
  expect((await screen.findByRole('listitem')).textContent).toBe('failed: Make 3 nodes1.2 s')
  expect(screen.getByRole('alert').textContent).toBe('The node image is missing.Pull it.')
  expect(screen.getByRole('button', { name: 'Try again' })).toBeTruthy()
})

it('says that there is no such session', async () => {
  answerFetch({ 'GET /api/sessions/s1': () => ({ error: { code: 'unknown-session', message: 'No.' } }) })
  openPage('/sessions/s1')
  expect(await screen.findByRole('heading', { name: 'There is no such session.' })).toBeTruthy()
})
