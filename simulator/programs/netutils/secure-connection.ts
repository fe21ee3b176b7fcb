import type { Connection } from '../../network/async.ts'
import { type TlsError, tlsClient } from '../../network/tls/client.ts'
import type { Process } from '../process.ts'

/**
 * TLS on a connection that stands, for code that awaits. `certificates` sees what the server shows (DER, its own first) and may refuse with
 * an alert. Rejects with TlsError, NetworkError, DialTimeout or `signal.reason`; the connection is the caller's to close.
 */
export async function secure(
  process: Pick<Process, 'signal'>,
  connection: Connection,
  serverName: string | undefined,
  options: { certificates(chain: readonly Uint8Array[]): number | undefined; timeoutMs?: number },
): Promise<Connection> {
  const arrived: Uint8Array[] = []
  let open = false
  let failure: TlsError | undefined
  const client = tlsClient((bytes) => connection.write(bytes), serverName, {
    certificates: options.certificates,
    secured: () => {
      open = true
    },
    data: (bytes) => void arrived.push(bytes),
    failed: (error) => {
      failure = error
    },
  })
  const receive = async (waiting: { timeoutMs?: number; signal?: AbortSignal }): Promise<boolean> => {
    const bytes = await connection.read(waiting)
    if (bytes === undefined) client.ended()
    else client.push(bytes)
    if (failure) throw failure
    return bytes !== undefined
  }
  const { timeoutMs } = options
  while (!open) await receive({ signal: process.signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) })
  return {
    local: connection.local,
    remote: connection.remote,
    service: undefined,
    async read(waiting = {}) {
      while (arrived.length === 0) if (!(await receive(waiting))) return undefined
      return arrived.shift()
    },
    write: (bytes) => client.write(bytes),
    end: () => connection.end(),
    close: () => {
      client.end()
      connection.close()
    },
  }
}
