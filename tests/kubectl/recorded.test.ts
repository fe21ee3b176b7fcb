import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createTestApi } from '../../userland/kubectl/testing/api.ts'
import { fillCluster, testFiles } from '../../userland/kubectl/testing/cluster.ts'
import { kubeconfigText } from '../../userland/kubectl/testing/process.ts'
import { realKubectl } from '../real-kubectl.ts'

/**
 * The record that the terminal's kubectl is held against (userland/kubectl/kubectl.test.ts): what the real one says to the same objects.
 * `npx vitest run --project kubectl tests/kubectl/recorded.test.ts -u` writes it anew; a line is added to it by hand, as `{"line": "…"}`.
 */
interface Recorded {
  readonly line: string
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const path = new URL('../../userland/kubectl/testing/kubectl.golden.json', import.meta.url)
const serverInTests = /server: '([^']*)'/.exec(kubeconfigText)![1]!

async function record(binary: string, line: string): Promise<Recorded> {
  const folder = mkdtempSync(join(tmpdir(), 'faultline-recorded-'))
  const api = createTestApi(() => '2024-01-01T00:00:00Z')
  fillCluster(api, Date.now())
  const server = createServer(async (incoming, response) => {
    const answer = await api.handle(await requestOf(incoming))
    response.writeHead(answer.status, Object.fromEntries(answer.headers))
    if (answer.body) for await (const chunk of answer.body) response.write(chunk)
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const work = join(folder, 'work')
  mkdirSync(work)
  for (const [name, text] of Object.entries(testFiles)) writeFileSync(join(work, name), text)
  writeFileSync(join(folder, 'kubeconfig'), kubeconfigText.replace(serverInTests, address), { mode: 0o600 })
  try {
    const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2]!)
    const said = await new Promise<Omit<Recorded, 'line'>>((resolve, reject) => {
      const child = spawn(binary, words, {
        cwd: work,
        env: { PATH: process.env['PATH'], HOME: folder, KUBECONFIG: join(folder, 'kubeconfig'), TZ: 'UTC' },
        timeout: 20_000,
      })
      let [stdout, stderr] = ['', '']
      child.stdout.on('data', (bytes: Buffer) => {
        stdout += bytes.toString()
      })
      child.stderr.on('data', (bytes: Buffer) => {
        stderr += bytes.toString()
      })
      child.on('error', reject)
      child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }))
      child.stdin.end()
    })
    const told = (text: string) =>
      text.replaceAll(address, serverInTests).replaceAll(address.slice('http://'.length), serverInTests.slice('https://'.length))
    return { line, code: said.code, stdout: told(said.stdout), stderr: told(said.stderr) }
  } finally {
    server.closeAllConnections()
    server.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function requestOf(incoming: IncomingMessage): Promise<Request> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  return new Request(new URL(incoming.url!, serverInTests), {
    method: incoming.method!,
    headers: Object.entries(incoming.headers).map(([name, value]) => [name, String(value)] as [string, string]),
    ...(body.length > 0 && { body }),
  })
}

test('the record of what kubectl says is what it says', async () => {
  const binary = realKubectl('1.35')
  const lines = (JSON.parse(readFileSync(path, 'utf8')) as Recorded[]).map(({ line }) => line)
  const outcomes: Recorded[] = []
  const waiting = lines.entries()
  const work = async () => {
    for (const [index, line] of waiting) outcomes[index] = await record(binary, line)
  }
  await Promise.all([work(), work()])
  await expect(`${JSON.stringify(outcomes, undefined, 1)}\n`).toMatchFileSnapshot(path.pathname)
})
