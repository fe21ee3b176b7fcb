import type { Errno, NetworkError } from '../../network/sockets.ts'
import type { Command, Process } from '../process.ts'
import { type Libc, libcOf } from '../resolver/configuration.ts'
import { UsageError } from './options.ts'

/** A command whose `UsageError`s are written as they stand, and end it with their status. */
export function command(id: string, run: (process: Process) => Promise<number>): Command {
  return {
    kind: 'command',
    id,
    run: async (process) => {
      try {
        return await run(process)
      } catch (error) {
        if (!(error instanceof UsageError)) throw error
        await process.stderr.write(error.message.endsWith('\n') ? error.message : `${error.message}\n`)
        return error.status
      }
    },
  }
}

const glibc: Record<Errno, string> = {
  ECONNREFUSED: 'Connection refused',
  ECONNRESET: 'Connection reset by peer',
  ETIMEDOUT: 'Connection timed out',
  EHOSTUNREACH: 'No route to host',
  ENETUNREACH: 'Network is unreachable',
  EADDRINUSE: 'Address already in use',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  EACCES: 'Permission denied',
  EMSGSIZE: 'Message too long',
  EPERM: 'Operation not permitted',
  ENOENT: 'No such file or directory',
}
const musl: Record<Errno, string> = {
  ...glibc,
  ETIMEDOUT: 'Operation timed out',
  EHOSTUNREACH: 'Host is unreachable',
  ENETUNREACH: 'Network unreachable',
  EADDRINUSE: 'Address in use',
  EADDRNOTAVAIL: 'Address not available',
  EMSGSIZE: 'Message too large',
}

/** strerror in the words of the process's C library. */
export function strerror(process: Process, error: NetworkError): string {
  return strerrorOf(libcOf(process.files), error.code)
}

export function strerrorOf(libc: Libc, code: Errno): string {
  return (libc === 'musl' ? musl : glibc)[code]
}
