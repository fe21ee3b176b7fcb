import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import type { ClusterSpec } from '../engine.ts'

export interface SavedCluster {
  readonly spec: ClusterSpec
  /** As the simulator's own serialised form. */
  readonly snapshot: Uint8Array
}

/** Where clusters are kept between moments and processes. */
export interface SnapshotStore {
  save(cluster: string, saved: SavedCluster): Promise<void>
  load(cluster: string): Promise<SavedCluster | undefined>
  remove(cluster: string): Promise<void>
  list(): Promise<string[]>
  /** Resolves when nothing of the cluster waits to be written. */
  settled(cluster: string): Promise<void>
}

/** One file per cluster in `folder`, replaced as a whole, so that a kill at any moment leaves the last or the one before. */
export function snapshotFolder(folder: string): SnapshotStore {
  const fileOf = (cluster: string) => join(folder, `${cluster}.snapshot`)
  // Two saves of one cluster never overlap: the later waits, and of several waiting ones only the last is written.
  const writing = new Map<string, Promise<void>>()
  const waiting = new Map<string, SavedCluster>()

  async function write(cluster: string, saved: SavedCluster): Promise<void> {
    await mkdir(folder, { recursive: true })
    const temporary = `${fileOf(cluster)}.new`
    await writeFile(temporary, serialize(saved))
    await rename(temporary, fileOf(cluster))
  }

  async function drain(cluster: string): Promise<void> {
    for (let saved = waiting.get(cluster); saved; saved = waiting.get(cluster)) {
      waiting.delete(cluster)
      await write(cluster, saved)
    }
    writing.delete(cluster)
  }

  return {
    async save(cluster, saved) {
      waiting.set(cluster, saved)
      let running = writing.get(cluster)
      if (!running) {
        running = drain(cluster).finally(() => writing.delete(cluster))
        writing.set(cluster, running)
      }
      await running
    },
    async load(cluster) {
      try {
        return deserialize(await readFile(fileOf(cluster))) as SavedCluster
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw error
      }
    },
    async remove(cluster) {
      waiting.delete(cluster)
      await writing.get(cluster)
      await rm(fileOf(cluster), { force: true })
      await rm(`${fileOf(cluster)}.new`, { force: true })
    },
    async settled(cluster) {
      await writing.get(cluster)
    },
    async list() {
      try {
        const names = await readdir(folder)
        // A `.new` alone is what a kill left of a first save: it belongs to the cluster, and goes with it.
        return [...new Set(names.flatMap((name) => /^(.*)\.snapshot(?:\.new)?$/.exec(name)?.[1] ?? []))]
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
        throw error
      }
    },
  }
}
