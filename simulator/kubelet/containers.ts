import type { ConfigMap, Container, Pod, Secret, Service } from 'kubernetes-types/core/v1'
import type { KubeObject } from '../kubernetes.ts'
import type { HttpsService } from '../network/sockets.ts'
import type { Image } from '../programs/process.ts'
import { usageOf } from '../programs/usage.ts'
import { quantityNumber } from '../resources/quantity.ts'
import { emptySource, Pipe } from '../streams.ts'
import { Terminal } from '../terminal.ts'
import { containerFiles } from './container-files.ts'
import { containerOf } from './container-reference.ts'
import { type EnvironmentSources, environmentOf, expand } from './environment.ts'
import { findImage, parseImage } from './images.ts'
import { appendLine, formatLines, lineSplitter } from './logs.ts'
import { createMeter } from './meter.ts'
import { capacityOf } from './node-status.ts'
import { beginProbes, disturb, endProbes } from './probing.ts'
import { podHostname } from './resolver-config.ts'
import { hostDaemon } from './runtime/host-daemon.ts'
import { PidNamespace } from './runtime/pid-namespace.ts'
import { lookUp, lookupMessage, programsOf } from './runtime/programs.ts'
import { type Place, runProcess } from './runtime/run-process.ts'
import type { Instance, PodState, Sandbox } from './state.ts'
import type { Kubelet, LiveContainer } from './world.ts'

/** What a service account, or the node for a static pod, is to the API server. */
const tokenFile = '/var/run/secrets/kubernetes.io/serviceaccount/token'
const noToken = `open ${tokenFile}: no such file or directory`

function apiUser(kubelet: Kubelet, pod: Pod) {
  const account = pod.spec?.serviceAccountName
  const namespace = pod.metadata?.namespace ?? 'default'
  if (!account) return { username: `system:node:${kubelet.world.node}`, groups: ['system:nodes', 'system:authenticated'] }
  return {
    username: `system:serviceaccount:${namespace}:${account}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  }
}

function sourcesOf(kubelet: Kubelet, pod: Pod, state: PodState): EnvironmentSources {
  const { api } = kubelet.world
  const namespace = pod.metadata?.namespace ?? 'default'
  return {
    configMap: (name) => api.find<KubeObject & ConfigMap>('configmaps', namespace, name),
    secret: (name) => api.find<KubeObject & Secret>('secrets', namespace, name),
    services: () => api.list<KubeObject & Service>('services', { namespace }),
    apiService: () => api.find<KubeObject & Service>('services', 'default', 'kubernetes'),
    addresses: state.sandbox?.addresses ?? [],
    hostAddresses: kubelet.hostAddresses,
    allocatable: capacityOf(kubelet),
  }
}

/** The environment beyond the image's own. Throws ContainerConfigError. */
export function containerEnvironment(kubelet: Kubelet, pod: Pod, state: PodState, container: Container): Record<string, string> {
  return environmentOf(pod, container, sourcesOf(kubelet, pod, state))
}

/**
 * Starts `instance` of a container whose image is on the node. `restored`: it ran before a snapshot, so daemons go on from their state.
 * A main process that cannot be executed ends the instance as StartError; the message is returned.
 */
export function startInstance(
  kubelet: Kubelet,
  pod: Pod,
  state: PodState,
  container: Container,
  instance: Instance,
  restored: boolean,
): string | undefined {
  const { world } = kubelet
  const reference = parseImage(container.image ?? '')
  const image = reference && findImage(world.catalogue, reference)
  if (!image) throw new Error(`the image ${container.image} of a container of ${state.namespace}/${state.name} is not in the catalogue`)
  const hostname = podHostname(pod, world.node)
  const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOSTNAME: hostname, ...image.env, ...instance.env }
  if (!('HOME' in env)) Object.assign(env, { HOME: '/root' })
  if (container.tty && !('TERM' in env)) Object.assign(env, { TERM: 'xterm' })
  const files = containerFiles(kubelet, pod, state, container, image, env, instance, restored)
  const namespace = (state.sandbox?.namespace && world.machine.namespace(state.sandbox.namespace)) || world.machine.root
  const user = apiUser(kubelet, pod)
  const token = pod.spec?.serviceAccountName ? () => (files.exists(tokenFile) ? files.readText(tokenFile) : undefined) : undefined
  const limit = limitOf(container, 'memory')
  const cores = limitOf(container, 'cpu')
  const place: Place = {
    files,
    env,
    cwd: container.workingDir || image.workingDir || '/',
    hostname,
    user: image.user ?? 'root',
    namespace,
    clock: world.clock,
    random: world.random,
    programs: programsOf(world.catalogue),
    processes: new Set(),
    ...(pod.spec?.hostPID ? {} : { pids: pidNamespaceOf(kubelet, pod, state, container) }),
    meter: createMeter(instance.meter, () => world.clock.now(), outOfMemory),
    nextPid: () => kubelet.state.nextPid++,
    apiOf: (service: HttpsService) => (world.apiOf ? world.apiOf(service, user, token) : world.api.as(user)),
    ...(world.apiOf && token && { missingCredentials: () => (token() === undefined ? noToken : undefined) }),
    crashed: (error) => world.onError(error),
    ...(world.resolver ? { resolve: world.resolver({ namespace, files }) } : {}),
  }
  function outOfMemory(bytes: number): void {
    if (limit !== undefined && bytes > limit) killForMemory(kubelet, live)
  }
  const live: LiveContainer = {
    uid: state.uid,
    container: container.name,
    instance,
    place,
    files,
    ...(cores === undefined ? {} : { cores }),
    ...(container.tty ? { terminal: new Terminal({ columns: 80, rows: 24 }, async (bytes) => terminalOutput(kubelet, live, bytes)) } : {}),
    ...(container.stdin && !container.tty ? { stdin: new Pipe() } : {}),
    main: { kill: () => {}, stop: () => {} },
    followers: new Set(),
    attached: new Set(),
  }
  kubelet.live.set(instance.id, live)
  const problem = runMain(kubelet, live, mainArguments(container, image, env), restored)
  if (problem === undefined) {
    beginProbes(kubelet, state, container, instance, restored)
    return undefined
  }
  kubelet.live.delete(instance.id)
  instance.ended = { at: world.clock.now(), exitCode: 128, reason: 'StartError', message: problem }
  // The runtime never saw it start, and says so with the epoch.
  Object.assign(instance, { startedAt: 0 })
  return problem
}

/** `command` replaces the entrypoint and, without `args`, the image's cmd too. */
export function mainArguments(container: Container, image: Image, env: Readonly<Record<string, string>>): string[] {
  const filled = (words: readonly string[]) => words.map((word) => expand(word, (name) => env[name]))
  if (container.command?.length) return [...filled(container.command), ...filled(container.args ?? [])]
  return [...(image.entrypoint ?? []), ...(container.args?.length ? filled(container.args) : (image.cmd ?? []))]
}

function runMain(kubelet: Kubelet, live: LiveContainer, argv: string[], restored: boolean): string | undefined {
  const { place, instance } = live
  const failed = (message: string) =>
    `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: ${message}: unknown`
  const found = lookUp(place, argv)
  if ('problem' in found) return failed(lookupMessage(argv[0] ?? '', found.problem))
  const write = (stream: 'stdout' | 'stderr') => (text: string, partial: boolean) => writeLog(kubelet, live, stream, text, partial)
  const ended = (code: number) => instanceEnded(kubelet, live, code)
  if (found.program.kind === 'daemon') {
    const account = place.meter?.begin(usageOf(found.program, found.argv))
    const pid = place.pids?.next() ?? 1
    live.pid = pid
    place.pids?.add(pid, {
      parent: 0,
      argv: found.argv,
      user: place.user,
      startedAt: place.clock.now(),
      cpuSeconds: () => account?.seconds() ?? 0,
      kill: (signal) => live.main.kill(signal),
    })
    const daemon = hostDaemon({
      daemon: found.program,
      argv: found.argv,
      env: place.env,
      hostname: place.hostname,
      files: live.files,
      namespace: place.namespace,
      clock: place.clock,
      random: place.random,
      owner: `kubelet/${kubelet.world.node}/${instance.id}`,
      memory: instance.daemon,
      resumed: restored,
      ...(account ? { account } : {}),
      log: (line, stream) => {
        writeLog(kubelet, live, stream, line)
        if (live.attached.size > 0) for (const send of live.attached) void send(stream, new TextEncoder().encode(`${line}\n`))
      },
      exited: ended,
      apiOf: (service) => place.apiOf?.(service),
      ...(place.missingCredentials && { missingCredentials: place.missingCredentials }),
      crashed: (error) => kubelet.world.onError(error),
    })
    live.main = { kill: (signal) => daemon.signal(signal), stop: () => daemon.stop() }
    return undefined
  }
  // Process 1 of its PID namespace hears only of signals that it handles.
  const init = place.pids?.isEmpty ?? false
  const splitters = { stdout: lineSplitter(write('stdout')), stderr: lineSplitter(write('stderr')) }
  const sink = (stream: 'stdout' | 'stderr') => ({
    write: async (data: Uint8Array | string) => {
      if (live.main.kill === dead) return
      const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
      splitters[stream].write(bytes)
      await Promise.all([...live.attached].map((send) => send(stream, bytes)))
    },
  })
  const running = runProcess(
    place,
    argv,
    live.terminal
      ? { terminal: live.terminal, init }
      : { init, stdin: live.stdin ?? emptySource, stdout: sink('stdout'), stderr: sink('stderr') },
  )
  if ('problem' in running) return failed(lookupMessage(argv[0] ?? '', running.problem))
  live.main = { kill: (signal) => running.kill(signal), stop: () => running.kill('SIGKILL') }
  void running.exit.then((code) =>
    kubelet.world.clock.soon(() => {
      splitters.stdout.flush()
      splitters.stderr.flush()
      terminalLines.get(live)?.flush()
      ended(code)
    }),
  )
  return undefined
}

const terminalLines = new WeakMap<LiveContainer, ReturnType<typeof lineSplitter>>()

async function terminalOutput(kubelet: Kubelet, live: LiveContainer, bytes: Uint8Array): Promise<void> {
  let lines = terminalLines.get(live)
  if (!lines) {
    lines = lineSplitter((text, partial) => writeLog(kubelet, live, 'stdout', text, partial))
    terminalLines.set(live, lines)
  }
  lines.write(bytes)
  await Promise.all([...live.attached].map((send) => send('stdout', bytes)))
}

function writeLog(kubelet: Kubelet, live: LiveContainer, stream: 'stdout' | 'stderr', text: string, partial = false): void {
  const { instance, followers } = live
  disturb(kubelet)
  instance.dropped += appendLine(instance.log, { at: kubelet.world.clock.now(), stream, text, ...(partial && { partial }) })
  if (followers.size > 0) for (const tell of [...followers]) tell()
}

const podNamespaces = new WeakMap<Sandbox, PidNamespace>()

/**
 * One of its own; that of the container which an ephemeral one targets, while it runs; with shareProcessNamespace the pod's, whose
 * process 1 is the pause container's (the CRI's modes CONTAINER, TARGET and POD).
 */
function pidNamespaceOf(kubelet: Kubelet, pod: Pod, state: PodState, container: Container): PidNamespace {
  const { targetContainerName: target } = container as { targetContainerName?: string }
  const targeted = target && [...kubelet.live.values()].find((live) => live.uid === state.uid && live.container === target)?.place.pids
  if (targeted) return targeted
  if (!pod.spec?.shareProcessNamespace || !state.sandbox) return new PidNamespace(kubelet.world.clock)
  const known = podNamespaces.get(state.sandbox)
  if (known) return known
  const made = new PidNamespace(kubelet.world.clock)
  const startedAt = state.sandbox.readyAt
  made.add(made.next(), { parent: 0, argv: ['/pause'], user: '65535', startedAt, cpuSeconds: () => 0, kill: () => {} })
  podNamespaces.set(state.sandbox, made)
  return made
}

/** Bytes or cores, as the cgroup's memory.max and cpu.max. */
function limitOf(container: Container, resource: 'cpu' | 'memory'): number | undefined {
  const limit = container.resources?.limits?.[resource]
  return limit === undefined ? undefined : quantityNumber(limit)
}

/** The kernel kills every process of a cgroup that has no memory left (memory.oom.group, which the kubelet sets on cgroup v2). */
function killForMemory(kubelet: Kubelet, live: LiveContainer): void {
  if (live.instance.outOfMemory) return
  live.instance.outOfMemory = true
  // In an event of its own: the process that grew may be in the middle of starting.
  kubelet.world.clock.soon(() => live.main.kill('SIGKILL'))
}

const dead = () => {}

/** The main process ended: the container's other processes die with it. */
function instanceEnded(kubelet: Kubelet, live: LiveContainer, code: number): void {
  const { instance } = live
  // While the kubelet itself does not run, the runtime sees it all the same.
  if (instance.ended || (kubelet.stopped && !kubelet.state.halted)) return
  endLive(kubelet, live)
  const state = kubelet.state.pods[live.uid]
  const pod = kubelet.pods.get(live.uid)
  const container = pod && containerOf(pod, live.container)
  const message = container ? terminationMessage(container, live, code) : undefined
  instance.ended = {
    at: kubelet.world.clock.now(),
    exitCode: code,
    reason: instance.outOfMemory && code === 137 ? 'OOMKilled' : code === 0 ? 'Completed' : 'Error',
    ...(message ? { message } : {}),
  }
  instance.started = false
  instance.ready = false
  instance.files = live.files.snapshot()
  delete instance.stopping
  const known = state?.containers[live.container]
  if (known) endProbes(known)
  kubelet.sync(live.uid)
  for (const tell of [...live.followers]) tell()
}

function endLive(kubelet: Kubelet, live: LiveContainer): void {
  kubelet.live.delete(live.instance.id)
  live.main = { kill: dead, stop: dead }
  for (const process of [...live.place.processes]) process.kill('SIGKILL')
  if (live.pid !== undefined) live.place.pids?.remove(live.pid)
  live.stdin?.abandon()
}

/** What the container left in its termination file (4096 bytes), or the end of its log where it asked for that and failed. */
function terminationMessage(container: Container, live: LiveContainer, code: number): string | undefined {
  const path = container.terminationMessagePath ?? '/dev/termination-log'
  const written = live.files.exists(path) && !live.files.stat(path).directory ? live.files.readText(path).slice(0, 4096) : ''
  if (written !== '' || code === 0 || container.terminationMessagePolicy !== 'FallbackToLogsOnError') return written || undefined
  return formatLines(live.instance.log.slice(-80), false).slice(-2048) || undefined
}
