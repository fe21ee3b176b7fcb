import type { Pod } from 'kubernetes-types/core/v1'
import { Failure, misuse } from '../cli/failure.ts'
import { bool, duration, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { type RemoteOptions, runRemote } from '../client/remote.ts'
import { filenameFlags } from '../objects/manifests.ts'
import { chooseContainer, containersOf, podFor, podPath } from '../objects/pods.ts'

export const streamFlags = [
  text('container', 'The container.', 'c'),
  duration('pod-running-timeout', 'Accepted.', undefined, '1m0s'),
  bool('quiet', 'Only what the command itself says.', 'q'),
  bool('stdin', 'Pass standard input on.', 'i'),
  bool('tty', 'Give the command a terminal.', 't'),
]

export const execVerb: Verb = {
  name: 'exec',
  about: 'Execute a command in a container',
  examples: ['kubectl exec web -- ls /', 'kubectl exec -it deploy/web -c nginx -- sh'],
  usage: '(POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...] [options]',
  flags: [...filenameFlags, ...streamFlags],
  run: exec,
}

export const attachVerb: Verb = {
  name: 'attach',
  about: 'Attach to a running container',
  usage: '(POD | TYPE/NAME) -c CONTAINER [options]',
  flags: streamFlags,
  async run(call) {
    const [word, ...more] = call.args
    if (!word) throw new Failure('at least 1 argument is required for attach')
    if (more.length > 0)
      throw new Failure(`expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw ${call.args.length}: [${call.args.join(' ')}]`)
    const pod = await podFor(call, word)
    refuseCompleted(pod, 'attach')
    const wanted = call.flags.text('container')
    if (wanted && !containersOf(pod).some((one) => one.name === wanted))
      throw new Failure(`cannot attach to the container: container ${wanted} not found in pod ${pod.metadata?.name}`)
    const container = await chooseContainer(call, pod, wanted)
    return attach(call, pod, container)
  },
}

async function exec(call: Call): Promise<number> {
  const { args, dash, flags } = call
  if (args.length > 1 && dash < 0)
    throw misuse(call.path, 'exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead')
  const word = dash === 0 ? undefined : args[0]
  const command = dash < 0 ? args.slice(1) : args.slice(dash)
  if (!word && flags.list('filename').length === 0) throw new Failure('pod, type/name or --filename must be specified')
  if (flags.list('filename').length > 0) throw new Failure('-f is not supported by exec of this kubectl: name the pod')
  if (command.length === 0) throw new Failure('you must specify at least one command for the container')
  if (flags.duration('pod-running-timeout') <= 0) throw misuse(call.path, '--pod-running-timeout must be higher than zero')
  const pod = await podFor(call, word as string)
  const chosen = await containerFor(call, pod, flags.text('container'))
  return execute(call, pod, chosen, command, await streamsOf(call))
}

/** Runs `command` in the pod's container (`wanted`, or the pod's first) and returns its exit code. */
export async function execute(call: Call, pod: Pod, wanted: string, command: readonly string[], streams: RemoteOptions): Promise<number> {
  const container = await containerFor(call, pod, wanted)
  const query: [string, string][] = [...command.map((one): [string, string] => ['command', one]), ...streamQuery(container, streams)]
  return runRemote(call, await podPath(call, pod, 'exec'), query, streams)
}

/** The container to run in. A name that the pod does not have is for the server to refuse. */
async function containerFor(call: Call, pod: Pod, wanted: string): Promise<string> {
  refuseCompleted(pod, 'exec into')
  return wanted || (await chooseContainer(call, pod, ''))
}

function refuseCompleted(pod: Pod, doing: string): void {
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed')
    throw new Failure(`cannot ${doing} a container in a completed pod; current phase is ${pod.status.phase}`)
}

/** Whether stdin and a terminal can be had; says so on stderr where they were asked for and cannot. */
export async function streamsOf(call: Call): Promise<{ stdin: boolean; tty: boolean }> {
  const stdin = call.flags.bool('stdin')
  let tty = call.flags.bool('tty')
  if (tty && !stdin) tty = false
  if (tty && !(call.process.isTerminal(0) && call.process.terminal)) {
    if (!call.flags.bool('quiet')) await call.err('Unable to use a TTY - input is not a terminal or the right kind of file\n')
    tty = false
  }
  return { stdin, tty }
}

function streamQuery(container: string, { stdin, tty }: RemoteOptions): [string, string][] {
  const query: [string, string][] = [['container', container]]
  if (stdin) query.push(['stdin', 'true'])
  query.push(['stdout', 'true'])
  if (tty) query.push(['tty', 'true'])
  else query.push(['stderr', 'true'])
  return query
}

export async function attach(call: Call, pod: Pod, container: string): Promise<number> {
  const streams = await streamsOf(call)
  if (streams.tty && !call.flags.bool('quiet'))
    await call.err(
      "All commands and output from this session will be recorded in container logs, including credentials and sensitive information passed through the command prompt.\nIf you don't see a command prompt, try pressing enter.\n",
    )
  const code = await runRemote(call, await podPath(call, pod, 'attach'), streamQuery(container, streams), streams)
  if (streams.tty && !call.flags.bool('quiet') && pod.spec?.restartPolicy === 'Always') {
    const again = `'kubectl attach ${pod.metadata?.name} -c ${container} -i -t'`
    const ephemeral = pod.spec.ephemeralContainers?.some(({ name }) => name === container)
    await call.out(
      ephemeral
        ? `Session ended, the ephemeral container will not be restarted but may be reattached using ${again} if it is still running\n`
        : `Session ended, resume using ${again} command when the pod is running\n`,
    )
  }
  return code
}
