import type { FileSystem } from '../../../files.ts'

/** A pod of this node as the agent keeps it on disk, so that it knows it again after a restart. */
export interface Endpoint {
  readonly id: number
  readonly containerId: string
  readonly namespace: string
  readonly pod: string
  readonly address: string
  readonly link: string
  readonly mac: string
  readonly nodeMac: string
  readonly identity: number
}

const folder = '/var/run/cilium/state'
/** Removals that the CNI plugin could not tell an agent, by container. */
export const deleteQueue = '/var/run/cilium/deleteQueue'

const fileOf = (id: number) => `${folder}/${id}/ep_config.json`

export function saveEndpoint(files: FileSystem, endpoint: Endpoint): void {
  files.makeDirectory(`${folder}/${endpoint.id}`, { parents: true })
  files.write(fileOf(endpoint.id), `${JSON.stringify(endpoint)}\n`)
}

export function forgetEndpoint(files: FileSystem, id: number): void {
  if (files.exists(`${folder}/${id}`)) files.remove(`${folder}/${id}`, { recursive: true })
}

export function savedEndpoints(files: FileSystem): Endpoint[] {
  if (!files.exists(folder)) return []
  return files
    .list(folder)
    .filter(({ name, directory }) => directory && /^\d+$/.test(name) && files.exists(fileOf(Number(name))))
    .map(({ name }) => JSON.parse(files.readText(fileOf(Number(name)))) as Endpoint)
}
