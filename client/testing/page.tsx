import { createMemoryHistory } from '@tanstack/react-router'
import { render } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { App } from '../app/App.tsx'
import { fakeConnection, fakeWire } from './wire.ts'

export type Answers = Record<string, (body: unknown) => unknown>

/** Answers `fetch` by "METHOD /path"; an `{ error }` is sent as a refusal. Returns what was asked for. */
export function answerFetch(answers: Answers): string[] {
  const asked: string[] = []
  globalThis.fetch = async (path, init) => {
    const request = `${init?.method ?? 'GET'} ${String(path)}`
    asked.push(request)
    const answer = answers[request]
    if (answer === undefined) throw new TypeError(`Nothing answers ${request}`)
    const body = answer(typeof init?.body === 'string' ? JSON.parse(init.body) : undefined)
    const refused = typeof body === 'object' && body !== null && 'error' in body
    return new Response(JSON.stringify(body), { status: refused ? 409 : 200 })
  }
  return asked
}

export function openPage(path: string) {
  localStorage.clear()
  const wire = fakeWire()
  wire.become(true)
  const history = createMemoryHistory({ initialEntries: [path] })
  const view = render(<App connection={fakeConnection(wire)} history={history} />)
  return { ...view, wire, history, person: userEvent.setup() }
}
