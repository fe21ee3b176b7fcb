import type { Container, Pod } from 'kubernetes-types/core/v1'
import type { FileSystem } from '../files.ts'
import { type FilesSnapshot, type FileTree, fileTree, MemoryFiles } from '../memory-files.ts'
import { executable, type Image } from '../programs/process.ts'
import { expand } from './environment.ts'
import { hostsFile, podHostname, resolverConfig } from './resolver-config.ts'
import type { Instance, PodState } from './state.ts'
import { type Kubelet, podReference } from './world.ts'

const trees = new WeakMap<Image, FileTree>()

/** When the images of the simulated registries were built: 2025-11-18T00:00:00Z. */
const builtAt = 1_763_424_000_000

/** An image's files, the same tree for every container of it. */
export function imageTree(image: Image): FileTree {
  const known = trees.get(image)
  if (known) return known
  const files: Record<string, { content: string; mode?: number }> = { '/dev/termination-log': { content: '' } }
  for (const [path, content] of Object.entries(image.files ?? {})) files[path] = { content }
  for (const [path, program] of Object.entries(image.executables)) files[path] = { content: executable(program), mode: 0o755 }
  const base = new MemoryFiles({ now: () => builtAt, base: fileTree(files, builtAt) })
  for (const path of ['/etc', '/tmp', '/var', '/root', '/proc', '/run', image.workingDir ?? '/'])
    base.makeDirectory(path, { parents: true })
  trees.set(image, base.tree)
  return base.tree
}

/**
 * A container's files: its image, its own layer, its mounts, and the files that the kubelet manages. With `restored` the layer and the frozen
 * subPath mounts come from the instance. The resolver's warning, if any, becomes an event.
 */
export function containerFiles(
  kubelet: Kubelet,
  pod: Pod,
  state: PodState,
  container: Container,
  image: Image,
  env: Readonly<Record<string, string>>,
  instance: Instance,
  restored: boolean,
): MemoryFiles {
  const now = () => kubelet.world.clock.now()
  const base = imageTree(image)
  // The layer is written before the root becomes read-only: what the runtime itself puts there is no write of the container.
  const layer = new MemoryFiles({ now, base, changes: restored ? instance.files : {} })
  if (!restored) manageFiles(kubelet, pod, state, layer)
  const readOnly = container.securityContext?.readOnlyRootFilesystem ?? false
  const files = readOnly ? new MemoryFiles({ now, base, changes: layer.snapshot(), readOnly }) : layer
  const mounts = [...(container.volumeMounts ?? [])].sort((a, b) => a.mountPath.length - b.mountPath.length)
  for (const mount of mounts) {
    const volume = kubelet.volumes.get(`${state.uid}/${mount.name}`)
    if (!volume) continue
    const sub = mount.subPathExpr !== undefined ? expand(mount.subPathExpr, (name) => env[name]) : mount.subPath
    let from: FileSystem = volume.files
    const source = sub ? `${volume.source === '/' ? '' : volume.source}/${sub}` : volume.source
    if (sub && volume.readOnly) from = frozen(instance, mount.mountPath, volume.files, now, restored)
    else if (sub && !volume.files.exists(source)) volume.files.makeDirectory(source, { parents: true })
    if (!from.exists(source)) continue
    files.mount(mount.mountPath, from, { source, readOnly: mount.readOnly || volume.readOnly })
  }
  return files
}

/** A subPath of a projected volume is bound to the file of that moment and never follows an update. */
function frozen(instance: Instance, path: string, volume: MemoryFiles, now: () => number, restored: boolean): MemoryFiles {
  if (!restored) instance.frozen[path] = copyOf(volume)
  return new MemoryFiles({ now, changes: instance.frozen[path] ?? {} })
}

function copyOf(volume: MemoryFiles): FilesSnapshot {
  return volume.snapshot()
}

function manageFiles(kubelet: Kubelet, pod: Pod, state: PodState, files: MemoryFiles): void {
  const { world } = kubelet
  const hostname = podHostname(pod, world.node)
  const readNode = (path: string) => (world.files.exists(path) ? world.files.readText(path) : '')
  const domain = pod.spec?.subdomain ? `${pod.spec.subdomain}.${pod.metadata?.namespace}.svc.${world.clusterDomain}` : undefined
  const resolver = resolverConfig(pod, { dns: world.clusterDns, domain: world.clusterDomain }, readNode('/etc/resolv.conf'))
  files.write('/etc/resolv.conf', resolver.text)
  files.write('/etc/hosts', hostsFile(pod, state.sandbox?.addresses ?? [], hostname, domain, readNode('/etc/hosts')))
  files.write('/etc/hostname', `${hostname}\n`)
  if (resolver.warning) kubelet.events.record(podReference(pod), 'Warning', 'DNSConfigForming', resolver.warning)
}
