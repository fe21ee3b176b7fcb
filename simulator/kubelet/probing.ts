import type { Container, Pod, Probe } from 'kubernetes-types/core/v1'
import { fnv32a } from '../fnv.ts'
import { NetworkError } from '../network/sockets.ts'
import { Random } from '../random.ts'
import { containerReference } from './container-reference.ts'
import { httpGet } from './http-get.ts'
import {
  countOutcome,
  drawBeat,
  isSteady,
  nextRun,
  type ProbeKind,
  type ProbeOutcome,
  type ProbeState,
  periodOf,
  probeOf,
  probeTitles,
  type Rhythm,
  restAfter,
  resumedRun,
  unhealthyMessage,
} from './probes.ts'
import { goDialError, hostsFileAddress, joinHostPort } from './runtime/dial.ts'
import { lookupMessage } from './runtime/programs.ts'
import { runProcess } from './runtime/run-process.ts'
import type { ContainerState, Instance, PodState } from './state.ts'
import { restartUnhealthy } from './termination.ts'
import type { Kubelet } from './world.ts'

const kinds: readonly ProbeKind[] = ['startup', 'liveness', 'readiness']
const timerKey = 'probes'

/** A container has started: without a startup probe it counts as started, without a readiness probe as ready. */
export function beginProbes(kubelet: Kubelet, state: PodState, container: Container, instance: Instance, restored: boolean): void {
  const known = state.containers[container.name]
  if (!known) return
  if (restored) {
    const now = kubelet.world.clock.now()
    for (const kind of kinds) {
      const [probing, probe] = [known.probes[kind], probeOf(container, kind)]
      if (!probing || !probe) continue
      if (probing.nextAt !== undefined) probing.nextAt = resumedRun(probing, probe, probing.nextAt, now, rhythmOf(kubelet))
      // A probe that was in flight at the snapshot is made again.
      else if (mayRun(kind, container, instance)) probing.nextAt = now
    }
    return
  }
  known.probes = {}
  instance.started = !container.startupProbe
  if (instance.started) startedNow(kubelet, container, known, instance)
  else schedule(kubelet, container, known, 'startup')
}

export function endProbes(known: ContainerState): void {
  known.probes = {}
}

function startedNow(kubelet: Kubelet, container: Container, known: ContainerState, instance: Instance): void {
  instance.started = true
  instance.ready = !container.readinessProbe
  schedule(kubelet, container, known, 'liveness')
  schedule(kubelet, container, known, 'readiness')
}

function mayRun(kind: ProbeKind, container: Container, instance: Instance): boolean {
  return kind === 'startup' ? !instance.started : instance.started || !container.startupProbe
}

/** The worker looks at the initial delay on its beat only, so the first run is on the first beat that is late enough. */
function schedule(kubelet: Kubelet, container: Container, known: ContainerState, kind: ProbeKind): void {
  const probe = probeOf(container, kind)
  const instance = known.current
  if (!probe || !instance) return
  const period = periodOf(probe)
  const delay = Math.ceil(((probe.initialDelaySeconds ?? 0) * 1000) / period) * period
  const nextAt = Math.max(kubelet.world.clock.now(), instance.startedAt + delay)
  known.probes[kind] = { nextAt, successes: 0, failures: 0, runs: 0 }
  arm(kubelet, nextAt)
}

function arm(kubelet: Kubelet, at: number): void {
  const set = kubelet.timers.when(timerKey)
  if (set === undefined || at < set) kubelet.timers.set(timerKey, at)
}

/**
 * Sets the node's one probe timer to the earliest probe. Where every probe is steady and rests, and nothing but their looking has happened
 * in the whole cluster since they were made, the next ones would find what these found: none has a turn until something happens.
 */
export function armProbes(kubelet: Kubelet): void {
  const { clock } = kubelet.world
  let earliest = Number.POSITIVE_INFINITY
  let calm = isResting(kubelet)
  let inFlight = false
  for (const state of Object.values(kubelet.state.pods)) {
    for (const known of Object.values(state.containers)) {
      for (const kind of kinds) {
        const probing = known.probes[kind]
        if (!probing) continue
        earliest = Math.min(earliest, probing.nextAt ?? Number.POSITIVE_INFINITY)
        calm &&= isSteady(probing)
        inFlight ||= probing.nextAt === undefined
      }
    }
  }
  kubelet.state.asleep = calm && !inFlight && earliest > clock.now() && clock.stirs === kubelet.probedAtStir
  if (kubelet.state.asleep) sleep(kubelet)
  else if (earliest === Number.POSITIVE_INFINITY) kubelet.timers.clear(timerKey)
  else kubelet.timers.set(timerKey, earliest, calm)
}

function sleep(kubelet: Kubelet): void {
  const { clock, node } = kubelet.world
  kubelet.timers.clear(timerKey)
  clock.whenStirred(`kubelet/${node}`, () => {
    if (!kubelet.state.asleep || kubelet.stopped) return
    skipTurns(kubelet)
    armProbes(kubelet)
  })
}

/** Turns that were slept through are left out: the next one is the beat's. */
function skipTurns(kubelet: Kubelet): void {
  const now = kubelet.world.clock.now()
  eachProbe(kubelet, (probing, probe) => {
    if (probing.nextAt !== undefined) probing.nextAt = resumedRun(probing, probe, probing.nextAt, now, rhythmOf(kubelet))
  })
}

function eachProbe(kubelet: Kubelet, visit: (probing: ProbeState, probe: Probe, kind: ProbeKind) => void): void {
  for (const state of Object.values(kubelet.state.pods)) {
    const pod = kubelet.pods.get(state.uid)
    for (const container of [...(pod?.spec?.initContainers ?? []), ...(pod?.spec?.containers ?? [])]) {
      for (const kind of kinds) {
        const probing = state.containers[container.name]?.probes[kind]
        const probe = probeOf(container, kind)
        if (probing && probe) visit(probing, probe, kind)
      }
    }
  }
}

function rhythmOf(kubelet: Kubelet): Rhythm {
  return { beat: kubelet.state.beat, resting: isResting(kubelet) }
}

/**
 * Before the probes of a restored kubelet begin: where their turn has passed (the cluster did not exist for a while, or is the fork of a
 * template), the node gets a beat of its own. It comes from the cluster's seed without drawing from it. What sleeps keeps the beat it has, but
 * for a fork.
 */
export function resumeBeat(kubelet: Kubelet): void {
  const { clock, random, node, foreignTokens } = kubelet.world
  let passed = false
  eachProbe(kubelet, ({ nextAt }) => {
    passed ||= nextAt !== undefined && nextAt < clock.now()
  })
  if (passed && (!kubelet.state.asleep || foreignTokens)) kubelet.state.beat = drawBeat(new Random(random.state ^ fnv32a(node)))
}

/** After the probes of a restored kubelet have begun: those that slept sleep on. */
export function resumeProbes(kubelet: Kubelet): void {
  if (kubelet.state.asleep) sleep(kubelet)
  else armProbes(kubelet)
}

function isResting(kubelet: Kubelet): boolean {
  return kubelet.world.clock.now() - kubelet.state.disturbedAt > restAfter
}

/** Something happened on the node or somebody is at work: probes that rested go back to their periods. Cheap when none does. */
export function disturb(kubelet: Kubelet): void {
  const now = kubelet.world.clock.now()
  const rested = isResting(kubelet)
  kubelet.state.disturbedAt = now
  if (!rested) return
  if (kubelet.state.asleep) skipTurns(kubelet)
  eachProbe(kubelet, (probing, probe, kind) => {
    if (probing.nextAt !== undefined) probing.nextAt = Math.min(probing.nextAt, nextRun(probing, probe, kind, now, rhythmOf(kubelet)))
  })
  armProbes(kubelet)
}

/** The timer fired: runs every probe that is due. */
export function runDueProbes(kubelet: Kubelet): void {
  const now = kubelet.world.clock.now()
  kubelet.probedAtStir = kubelet.world.clock.stirs
  for (const state of Object.values(kubelet.state.pods)) {
    const pod = kubelet.pods.get(state.uid)
    if (!pod) continue
    for (const container of [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]) {
      const known = state.containers[container.name]
      if (known) for (const kind of kinds) runIfDue(kubelet, pod, state, container, known, kind, now)
    }
  }
  armProbes(kubelet)
}

function runIfDue(
  kubelet: Kubelet,
  pod: Pod,
  state: PodState,
  container: Container,
  known: ContainerState,
  kind: ProbeKind,
  now: number,
): void {
  const probing = known.probes[kind]
  const probe = probeOf(container, kind)
  const instance = known.current
  if (!probing || probing.nextAt === undefined || probing.nextAt > now || !probe || !instance || instance.ended) return
  delete probing.nextAt
  perform(kubelet, state, container, instance, probe, (outcome) => {
    // The container may have ended, or been replaced, while the probe was on its way.
    if (kubelet.stopped || known.current !== instance || instance.ended || !known.probes[kind]) return
    finished(kubelet, pod, state, container, known, instance, kind, probe, outcome)
  })
}

function finished(
  kubelet: Kubelet,
  pod: Pod,
  state: PodState,
  container: Container,
  known: ContainerState,
  instance: Instance,
  kind: ProbeKind,
  probe: Probe,
  outcome: ProbeOutcome,
): void {
  const before = known.probes[kind]
  if (!before) return
  const { state: after, verdict } = countOutcome(before, probe, outcome.result)
  const nextAt = nextRun(after, probe, kind, kubelet.world.clock.now(), rhythmOf(kubelet))
  known.probes[kind] = { ...after, nextAt }
  armProbes(kubelet)
  if (outcome.result !== 'success') {
    kubelet.events.record(containerReference(pod, container.name), 'Warning', 'Unhealthy', unhealthyMessage(kind, outcome))
  }
  if (verdict === undefined) return
  if (kind === 'readiness') {
    if (instance.ready === (verdict === 'success')) return
    instance.ready = verdict === 'success'
    kubelet.writeStatus(state.uid)
  } else if (verdict === 'failure') {
    if (state.termination || instance.stopping) return
    restartUnhealthy(
      kubelet,
      pod,
      state,
      container,
      `Container ${container.name} failed ${probeTitles[kind].toLowerCase()} probe, will be restarted`,
    )
  } else if (kind === 'startup') {
    delete known.probes.startup
    startedNow(kubelet, container, known, instance)
    // A sidecar that has started lets the next container start.
    kubelet.sync(state.uid)
  }
}

function perform(
  kubelet: Kubelet,
  state: PodState,
  container: Container,
  instance: Instance,
  probe: Probe,
  done: (outcome: ProbeOutcome) => void,
): void {
  const { clock, machine } = kubelet.world
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000
  const address = state.sandbox?.addresses[0] ?? kubelet.hostAddresses[0] ?? ''
  if (probe.httpGet) {
    const { scheme = 'HTTP', path = '/', httpHeaders = [], host } = probe.httpGet
    const port = portNumber(container, probe.httpGet.port)
    if (port === undefined) return done({ result: 'unknown', output: `couldn't find port: ${probe.httpGet.port}` })
    const named = host || address
    const reached = hostsFileAddress(kubelet.world.files, named)
    const url = `${scheme.toLowerCase()}://${joinHostPort(named, port)}${path.startsWith('/') ? path : `/${path}`}`
    if (reached === undefined) return done({ result: 'failure', output: `Get "${url}": dial tcp: lookup ${named}: no such host` })
    httpGet(machine.root.sockets, clock, { url, address: reached, port, headers: httpHeaders, timeoutMs }, (answer) => {
      if ('error' in answer) done({ result: 'failure', output: answer.error })
      else if (answer.status >= 200 && answer.status < 400) done({ result: 'success' })
      else done({ result: 'failure', output: `HTTP probe failed with statuscode: ${answer.status}` })
    })
  } else if (probe.tcpSocket) {
    const port = portNumber(container, probe.tcpSocket.port)
    if (port === undefined) return done({ result: 'unknown', output: `couldn't find port: ${probe.tcpSocket.port}` })
    probeTcp(kubelet, probe.tcpSocket.host || address, port, timeoutMs, done)
  } else if (probe.exec) {
    probeExec(kubelet, instance, probe.exec.command ?? [], timeoutMs, done)
  } else {
    const what = (probe as { grpc?: unknown }).grpc ? 'gRPC probes' : 'a probe without httpGet, tcpSocket or exec'
    done({ result: 'unknown', output: `the simulated cluster does not model ${what}` })
  }
}

function portNumber(container: Container, port: number | string): number | undefined {
  if (typeof port === 'number') return port
  if (/^\d+$/.test(port)) return Number(port)
  return container.ports?.find(({ name }) => name === port)?.containerPort
}

function probeTcp(kubelet: Kubelet, host: string, port: number, timeoutMs: number, done: (outcome: ProbeOutcome) => void): void {
  const { clock, machine } = kubelet.world
  const where = joinHostPort(host, port)
  let over = false
  const finish = (outcome: ProbeOutcome) => {
    if (over) return
    over = true
    timer.close()
    // In an event of its own: the handshake may be done before the call that began it has returned.
    clock.soon(() => connection?.close())
    done(outcome)
  }
  const timer = clock.after(timeoutMs, () => finish({ result: 'failure', output: `dial tcp ${where}: i/o timeout` }))
  let connection: { close(): void } | undefined
  try {
    connection = machine.root.sockets.connectTcp(
      { address: host, port },
      {
        connected: () => finish({ result: 'success' }),
        error: (error) => finish({ result: 'failure', output: goDialError(error, `dial tcp ${where}`).message }),
      },
    )
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    finish({ result: 'failure', output: goDialError(error, `dial tcp ${where}`).message })
  }
}

/** How much of an exec probe's output is kept: 10 KiB. */
const keptOutput = 10_240

function probeExec(
  kubelet: Kubelet,
  instance: Instance,
  command: readonly string[],
  timeoutMs: number,
  done: (outcome: ProbeOutcome) => void,
): void {
  const { clock, random } = kubelet.world
  const live = kubelet.live.get(instance.id)
  if (!live) return done({ result: 'unknown', output: 'container is not running' })
  let output = ''
  const decoder = new TextDecoder()
  const sink = {
    write: async (data: Uint8Array | string) => {
      if (output.length < keptOutput) output += typeof data === 'string' ? data : decoder.decode(data)
    },
  }
  const running = runProcess(live.place, command, { stdout: sink, stderr: sink })
  if ('problem' in running) {
    const problem = lookupMessage(command[0] ?? '', running.problem)
    return done({
      result: 'unknown',
      output: `rpc error: code = Unknown desc = failed to exec in container: failed to start exec "${random.hex(64)}": OCI runtime exec failed: exec failed: unable to start container process: ${problem}: unknown`,
    })
  }
  let over = false
  const finish = (outcome: ProbeOutcome) => {
    if (over) return
    over = true
    timer.close()
    done(outcome)
  }
  const timer = clock.after(timeoutMs, () => {
    running.kill('SIGKILL')
    finish({ result: 'failure', output: `command timed out: ${JSON.stringify(command.join(' '))} timed out after ${timeoutMs / 1000}s` })
  })
  void running.exit.then((code) =>
    clock.soon(() => finish(code === 0 ? { result: 'success' } : { result: 'failure', output: output.slice(0, keptOutput) }), true),
  )
}
