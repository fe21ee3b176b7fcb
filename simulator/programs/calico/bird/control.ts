import type { FileSystem } from '../../../files.ts'

/** Where BIRD's control socket is; in the simulated cluster it is a file that always holds what the socket would answer. */
export const birdControl = '/var/run/calico/bird.ctl'

export interface BirdProtocol {
  /** `Mesh_172_18_0_3`, `Global_…`, `Node_…`. */
  readonly name: string
  readonly state: 'up' | 'start'
  /** ms since the epoch. */
  readonly since: number
  /** BGP's own state, and after it why it is so: `Active Socket: Connection refused`. */
  readonly info: string
}

export function writeProtocols(files: FileSystem, protocols: readonly BirdProtocol[]): void {
  const text = JSON.stringify(protocols)
  if (files.exists(birdControl) && files.readText(birdControl) === text) return
  files.makeDirectory('/var/run/calico', { parents: true })
  files.write(birdControl, text)
}

/** Undefined where no BIRD runs. */
export function readProtocols(files: FileSystem): BirdProtocol[] | undefined {
  return files.exists(birdControl) ? (JSON.parse(files.readText(birdControl)) as BirdProtocol[]) : undefined
}

export function removeControl(files: FileSystem): void {
  if (files.exists(birdControl)) files.remove(birdControl)
}

/** `172.18.0.3` of `Mesh_172_18_0_3`. */
export function peerAddress({ name }: BirdProtocol): string {
  return name.slice(name.indexOf('_') + 1).replaceAll('_', '.')
}
