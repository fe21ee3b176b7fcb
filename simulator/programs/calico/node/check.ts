import { httpRequest } from '../../../network/http.ts'
import { NetworkError } from '../../../network/sockets.ts'
import type { Command, Process } from '../../process.ts'
import { birdControl, peerAddress, readProtocols } from '../bird/control.ts'
import { shutDown } from './shutdown.ts'

const known: ReadonlySet<string> = new Set(['felix-live', 'felix-ready', 'bird-live', 'bird-ready'])
const nodenameFile = '/var/lib/calico/nodename'

/** `calico-node -felix-live -felix-ready -bird-live -bird-ready`, for probes (node/pkg/health). */
export const calicoNodeCheck: Command = {
  kind: 'command',
  id: 'calico/calico-node',
  async run(process) {
    const flags = new Set(process.argv.slice(1).map((word) => word.replace(/^--?/, '')))
    if (flags.has('v')) {
      await process.stdout.write('v3.30.4\n')
      return 0
    }
    if (flags.has('shutdown')) return shutDown(process)
    const unknown = [...flags].filter((flag) => !known.has(flag))
    if (unknown.length > 0) {
      await process.stderr.write(`calico-node: the simulated calico-node does not model -${unknown[0]}\n`)
      return 1
    }
    for (const [flag, path, sentence] of [
      ['felix-live', 'liveness', 'Felix is not live'],
      ['felix-ready', 'readiness', 'felix is not ready'],
    ] as const) {
      if (!flags.has(flag)) continue
      const problem = await ask(process, path)
      if (!problem) continue
      await process.stdout.write(`calico/node is not ready: ${sentence}: ${problem}\n`)
      return 1
    }
    const problem =
      flags.has('bird-live') && !readProtocols(process.files) ? 'bird/confd is not live: exit status 1' : birdProblem(process, flags)
    if (!problem) return 0
    await process.stdout.write(`calico/node is not ready: ${problem}\n`)
    return 1
  },
}

/** How long after its start a node is to have all of its neighbours; later one is enough. */
const startedLately = 30_000

function birdProblem({ files, clock }: Process, flags: ReadonlySet<string>): string | undefined {
  if (!flags.has('bird-ready')) return undefined
  const what = 'BIRD is not ready: '
  if (!files.exists(nodenameFile)) return `${what}Failed to stat() nodename file: stat ${nodenameFile}: no such file or directory`
  const protocols = readProtocols(files)
  if (!protocols) {
    return `${what}Error querying BIRD: unable to connect to BIRDv4 socket: dial unix ${birdControl}: connect: no such file or directory`
  }
  const waiting = protocols.filter(({ state }) => state !== 'up')
  const lately = clock.now() - files.stat(nodenameFile).modified < startedLately
  if (waiting.length === 0 || (!lately && waiting.length < protocols.length)) return undefined
  return `${what}BGP not established with ${waiting.map(peerAddress).join(',')}`
}

function ask({ sockets }: Process, path: 'liveness' | 'readiness'): Promise<string | undefined> {
  const url = `http://localhost:9099/${path}`
  return new Promise((resolve) => {
    httpRequest(
      sockets,
      { address: '127.0.0.1', port: 9099 },
      { method: 'GET', target: `/${path}`, headers: [['Host', 'localhost:9099']] },
      {
        response: ({ status }) => resolve(status < 300 ? undefined : `${path} probe reporting ${status}`),
        error: (error) => {
          const refused = error instanceof NetworkError && error.code === 'ECONNREFUSED'
          resolve(`Get "${url}": ${refused ? 'dial tcp 127.0.0.1:9099: connect: connection refused' : error.message}`)
        },
      },
    )
  })
}
