import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')

/** The server as a person starts it, in a process of its own that can be killed. */
export async function startFaultline() {
  const data = mkdtempSync(join(tmpdir(), 'faultline-browser-'))
  const port = await freePort()
  let child: ChildProcess | undefined
  let output = ''

  async function start(): Promise<number> {
    const began = performance.now()
    child = spawn(process.execPath, ['scripts/faultline.mjs', 'start', '--port', String(port), '--data', data], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout?.on('data', (bytes: Buffer) => {
      output += bytes.toString()
    })
    child.stderr?.on('data', (bytes: Buffer) => {
      output += bytes.toString()
    })
    for (;;) {
      if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}:\n${output}`)
      const answers = await fetch(`http://localhost:${port}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      )
      if (answers) return performance.now() - began
      if (performance.now() - began > 30_000) throw new Error(`the server did not answer within 30 s:\n${output}`)
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }

  async function stop(signal: NodeJS.Signals): Promise<void> {
    const running = child
    if (!running || running.exitCode !== null || running.signalCode !== null) return
    const ended = new Promise((resolve) => running.once('exit', resolve))
    running.kill(signal)
    await ended
  }

  await start()
  return {
    url: `http://localhost:${port}`,
    start,
    kill: () => stop('SIGKILL'),
    output: () => output,
    async close() {
      await stop('SIGTERM')
      rmSync(data, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
