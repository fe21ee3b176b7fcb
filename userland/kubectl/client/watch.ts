import type { Status } from 'kubernetes-types/meta/v1'
import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { StatusFailure } from '../cli/failure.ts'
import type { Client } from './client.ts'
import { linesOf } from './streaming.ts'

export interface StreamedEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  readonly object: T
}

/** A watch as the server streams it, one JSON object per line. Ends when the server ends it; throws the Status of an ERROR event. */
export async function* watchEvents<T = KubeObject>(
  client: Client,
  path: string,
  query: Record<string, string>,
  accept?: string,
): AsyncGenerator<StreamedEvent<T>> {
  const bytes = await client.stream('GET', path, { query: { ...query, watch: 'true' }, mayEnd: true, ...(accept ? { accept } : {}) })
  for await (const line of linesOf(bytes)) {
    if (line.trim() === '') continue
    const event = JSON.parse(line)
    if (event.type === 'ERROR') throw new StatusFailure(event.object as Status)
    yield event
  }
}
