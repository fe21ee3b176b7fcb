import type { KubeObject } from '../kubernetes.ts'

type WithSpec = KubeObject & { spec?: unknown; status?: unknown }

/** On create a client's status counts for nothing. */
export function withoutStatus<T extends KubeObject>(object: T): T {
  return { ...object, status: {} }
}

/** On update the status stays as it was. */
export function keepStatus<T extends KubeObject>(object: T, previous: T): T {
  return { ...object, status: (previous as WithSpec).status }
}

/** On a status update only the status, finalizers, annotations and the like may change: spec and labels stay. */
export function keepSpec<T extends KubeObject>(object: T, previous: T): T {
  return {
    ...object,
    spec: (previous as WithSpec).spec,
    metadata: { ...object.metadata, labels: previous.metadata?.labels },
  }
}

/** The three strategies of a kind with a status subresource. */
export const statusStrategy = {
  status: true,
  prepareForCreate: withoutStatus,
  prepareForUpdate: keepStatus,
  prepareForStatusUpdate: keepSpec,
} as const
