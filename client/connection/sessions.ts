import { type QueryClient, queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import type { LabSummary } from '../../protocol/catalogue.ts'
import type { SessionView } from '../../protocol/session.ts'
import { report } from '../app/notices.ts'
import { isRefusal, RefusedError, request, unreachable } from './http.ts'
import { useConnection } from './wire.ts'

export const catalogueQuery = queryOptions({
  queryKey: ['catalogue'],
  queryFn: () => request<LabSummary[]>('GET', '/api/catalogue'),
  // A page that waits for its server goes on by itself.
  refetchInterval: (query) => (query.state.status === 'error' ? 2000 : false),
})

export function sessionQuery(id: string) {
  return queryOptions({
    queryKey: ['session', id],
    queryFn: () => request<SessionView>('GET', `/api/sessions/${encodeURIComponent(id)}`),
    refetchInterval: (query) =>
      query.state.status === 'error' && (query.state.error as unknown as RefusedError).code === unreachable ? 2000 : false,
  })
}

function keep(queries: QueryClient, view: SessionView) {
  queries.setQueryData(['session', view.id], view)
}

/** A session as it is now, kept up to date by the socket, and taken up again after every reconnect. */
export function useLiveSession(id: string) {
  const queries = useQueryClient()
  const { wire } = useConnection()
  useEffect(() => {
    const follow = () => {
      wire.emit('follow', { session: id }, (result) => {
        if (isRefusal(result)) void queries.invalidateQueries({ queryKey: ['session', id] })
        else keep(queries, result)
      })
    }
    const changed = (view: SessionView) => {
      if (view.id === id) keep(queries, view)
    }
    wire.on('connect', follow)
    wire.on('session', changed)
    if (wire.connected) follow()
    return () => {
      wire.off('connect', follow)
      wire.off('session', changed)
    }
  }, [id, queries, wire])
  return useQuery(sessionQuery(id))
}

export interface StartRequest {
  readonly lab: string
  readonly engine?: 'simulated' | 'kind'
}

export function useStart(onStarted: (view: SessionView) => void) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (start: StartRequest) => request<SessionView>('POST', '/api/sessions', start),
    onSuccess(view) {
      keep(queries, view)
      void queries.invalidateQueries({ queryKey: ['catalogue'] })
      onStarted(view)
    },
  })
}

export type SessionAction = 'reset' | 'check' | 'finish' | 'hint'

/** Reset, check, finish or hint; the answer becomes the session's state, a refusal becomes a notice. */
export function useSessionAction(id: string, action: SessionAction) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: () => request<SessionView | undefined>('POST', `/api/sessions/${encodeURIComponent(id)}/${action}`),
    onSuccess(view) {
      if (view?.id === id) keep(queries, view)
      else void queries.invalidateQueries({ queryKey: ['session', id] })
      if (action === 'finish') void queries.invalidateQueries({ queryKey: ['catalogue'] })
    },
    onError: report,
  })
}

export function useEndSession(id: string, onEnded: () => void) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: () => request<void>('DELETE', `/api/sessions/${encodeURIComponent(id)}`),
    onSuccess() {
      queries.removeQueries({ queryKey: ['session', id] })
      void queries.invalidateQueries({ queryKey: ['catalogue'] })
      onEnded()
    },
    onError: report,
  })
}

export function kubeconfigPath(id: string): string {
  return `/api/sessions/${encodeURIComponent(id)}/kubeconfig`
}

export function refused(error: unknown): RefusedError {
  return error instanceof RefusedError ? error : new RefusedError({ code: 'unexpected', message: String(error) })
}
