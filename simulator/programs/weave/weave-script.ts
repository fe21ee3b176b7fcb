import { httpRequest } from '../../network/http.ts'
import { NetworkError } from '../../network/sockets.ts'
import type { Command, Process } from '../process.ts'
import { weaveVersion } from './status.ts'

/** `/home/weave/weave --local …` as far as it asks weaver: status with its parts, and version. Follows weave 2.8.1's script. */
export const weaveScript: Command = {
  kind: 'command',
  id: 'weave/weave',
  async run(process) {
    const words = process.argv.slice(1).filter((word) => word !== '--local')
    const [command, ...rest] = words
    if (command === 'version') {
      await process.stdout.write(`weave ${weaveVersion}\n`)
      return 0
    }
    if (command !== 'status') {
      await process.stderr.write(`weave: the simulated weave script does not model "${words.join(' ')}" (status and version are)\n`)
      return 1
    }
    const answer = await get(process, `/status${rest.map((word) => `/${word}`).join('')}`)
    if ('error' in answer) {
      await process.stderr.write(`weave container is not present. Have you launched it?\n`)
      return 1
    }
    if (answer.status === 404) {
      await process.stderr.write(`Invalid 'weave status' sub-command: ${rest.join(' ')}\n`)
      return 1
    }
    await process.stdout.write(rest.length > 0 ? answer.body : `\n${answer.body}\n`)
    return 0
  },
}

function get({ sockets }: Process, target: string): Promise<{ status: number; body: string } | { error: string }> {
  return new Promise((resolve) => {
    httpRequest(
      sockets,
      { address: '127.0.0.1', port: 6784 },
      { target },
      {
        response: ({ status, body }) => resolve({ status, body: new TextDecoder().decode(body) }),
        error: (error) => resolve({ error: error instanceof NetworkError ? error.code : error.message }),
      },
    )
  })
}
