import { cleanup, screen, waitFor } from '@testing-library/react'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { loadWorkspace } from '../app/load.ts'
import { lab, session } from '../testing/examples.ts'
import { answerFetch, openPage } from '../testing/page.tsx'

afterEach(cleanup)
// Coming near a start button begins to load the workspace; it must not go on when the page is gone.
afterAll(loadWorkspace)

const other = lab({
  id: 'ingress',
  title: 'Nobody answers',
  track: 'Ingress',
  level: 'advanced',
  symptoms: ['404'],
  summary: 'A 404 everywhere.',
})

describe('catalogue', () => {
  it('finds a lab by its symptom, and says how many were found', async () => {
    answerFetch({ 'GET /api/catalogue': () => [lab(), other] })
    const { person } = openPage('/')
    await screen.findByRole('heading', { name: 'Broken DNS' })
    await person.keyboard('/')
    expect(document.activeElement).toBe(screen.getByRole('textbox', { name: 'Search labs' }))
    await person.keyboard('404')
    expect(screen.queryByRole('heading', { name: 'Broken DNS' })).toBeNull()
    expect(screen.getByRole('heading', { name: 'Nobody answers' })).toBeTruthy()
    expect(screen.getByRole('status').textContent).toBe('1 lab')
    await person.keyboard(' zebra')
    expect(screen.getByRole('heading', { name: 'No lab matches.' })).toBeTruthy()
  })

  it('filters by track', async () => {
    answerFetch({ 'GET /api/catalogue': () => [lab(), other] })
    const { person } = openPage('/')
    await person.click(await screen.findByRole('button', { name: /^Ingress/ }))
    expect(screen.queryByRole('heading', { name: 'Broken DNS' })).toBeNull()
  })

  it('starts with one click and opens the session', async () => {
    const bodies: unknown[] = []
    answerFetch({
      'GET /api/catalogue': () => [lab()],
      'POST /api/sessions': (body) => {
        bodies.push(body)
        return session({ state: 'provisioning' })
      },
      'GET /api/sessions/s1': () => session({ state: 'provisioning' }),
    })
    const { person, history } = openPage('/')
    await person.click(await screen.findByRole('button', { name: 'Start Broken DNS' }))
    await waitFor(() => expect(history.location.pathname).toBe('/sessions/s1'))
    expect(bodies).toEqual([{ lab: 'broken-dns', engine: 'simulated' }])
  })

  it('goes on with an open session without starting another', async () => {
    const asked = answerFetch({
      'GET /api/catalogue': () => [lab({ session: 's1' })],
      'GET /api/sessions/s1': () => session({ state: 'ended' }),
    })
    const { person, history } = openPage('/')
    await person.click(await screen.findByRole('button', { name: 'Continue Broken DNS' }))
    await waitFor(() => expect(history.location.pathname).toBe('/sessions/s1'))
    expect(asked).not.toContain('POST /api/sessions')
  })

  it('says why a lab was refused and how to mend it', async () => {
    answerFetch({
      'GET /api/catalogue': () => [lab()],
      'POST /api/sessions': () => ({ error: { code: 'engine-unavailable', message: 'Docker does not answer.', mend: 'Start Docker.' } }),
    })
    const { person } = openPage('/')
    await person.click(await screen.findByRole('button', { name: 'Start Broken DNS' }))
    expect((await screen.findByRole('alert')).textContent).toBe('Docker does not answer.Start Docker.')
  })

  it('says why a lab has no engine here', async () => {
    answerFetch({
      'GET /api/catalogue': () => [lab({ engines: [{ name: 'kind', available: false, reason: 'No Docker.', mend: 'Install it.' }] })],
    })
    openPage('/')
    expect(await screen.findByText('No Docker.')).toBeTruthy()
    expect(screen.queryByRole('button', { name: 'Start Broken DNS' })).toBeNull()
  })

  it('says that the server does not answer', async () => {
    answerFetch({})
    openPage('/')
    expect((await screen.findByRole('alert')).textContent).toContain('does not answer')
  })
})
