import type { Container, LifecycleHandler } from 'kubernetes-types/core/v1'
import { httpGet } from './http-get.ts'
import { joinHostPort } from './runtime/dial.ts'
import { lookupMessage } from './runtime/programs.ts'
import { runProcess } from './runtime/run-process.ts'
import type { Kubelet, LiveContainer } from './world.ts'

/** Runs a postStart or preStop handler; `done` gets what went wrong, later or in this very call. A `tcpSocket` handler is refused, as upstream. */
export function runHook(
  kubelet: Kubelet,
  live: LiveContainer,
  container: Container,
  handler: LifecycleHandler & { sleep?: { seconds: number } },
  done: (problem?: string) => void,
): void {
  const { clock, machine } = kubelet.world
  if (handler.exec) {
    const command = handler.exec.command ?? []
    const running = runProcess(live.place, command)
    if ('problem' in running) return done(lookupMessage(command[0] ?? '', running.problem))
    void running.exit.then((code) => clock.soon(() => done(code === 0 ? undefined : `command '${command.join(' ')}' exited with ${code}`)))
  } else if (handler.sleep) {
    clock.after(handler.sleep.seconds * 1000, () => done())
  } else if (handler.httpGet) {
    const { port, scheme = 'HTTP', path = '/', httpHeaders = [], host } = handler.httpGet
    const number = typeof port === 'number' ? port : (container.ports?.find(({ name }) => name === port)?.containerPort ?? Number(port))
    const address = host || (kubelet.state.pods[live.uid]?.sandbox?.addresses[0] ?? '')
    const url = `${scheme.toLowerCase()}://${joinHostPort(address, number)}${path.startsWith('/') ? path : `/${path}`}`
    httpGet(machine.root.sockets, clock, { url, address, port: number, headers: httpHeaders, timeoutMs: 30_000 }, (answer) =>
      done('error' in answer ? answer.error : answer.status < 400 ? undefined : `HTTP response: ${answer.status}`),
    )
  } else {
    done(`invalid handler: the simulated cluster does not model ${Object.keys(handler).join(', ')}`)
  }
}
