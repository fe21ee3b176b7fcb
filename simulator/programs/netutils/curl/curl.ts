import { FileError } from '../../../files.ts'
import type { Process } from '../../process.ts'
import { command } from '../command.ts'
import { UsageError } from '../options.ts'
import { type CurlSettings, curlSettings, curlVersion } from './arguments.ts'
import { CurlFailure } from './failure.ts'
import { headLines, type Transfer, transferOnce } from './transfer.ts'
import { writeOut } from './write-out.ts'

const redirections = 50
/** curl asks again after 1 s, then twice as long each time, up to ten minutes. */
const firstRetryMs = 1000
const longestRetryMs = 600_000
/** What curl adds to each failure of a peer's certificate. */
const moreDetails = `More details here: https://curl.se/docs/sslcerts.html

curl failed to verify the legitimacy of the server and therefore could not
establish a secure connection to it. To learn more about this situation and
how to fix it, please visit the webpage mentioned above.
`

/** curl 8: HTTP and HTTPS with its usual options; exit codes and messages of libcurl. */
export const curl = command('curl/curl', async (process) => {
  const settings = curlSettings(process)
  if (settings.has('version')) {
    const protocols = 'Protocols: http https'
    await process.stdout.write(`curl ${curlVersion} (x86_64-pc-linux-gnu) libcurl/${curlVersion} OpenSSL/3.5.1 zlib/1.3.1\n${protocols}\n`)
    return 0
  }
  if (settings.has('help')) {
    await process.stdout.write('Usage: curl [options...] <url>\n')
    return 0
  }
  if (settings.urls.length === 0)
    throw new UsageError("curl: (2) no URL specified\ncurl: try 'curl --help' or 'curl --manual' for more information", 2)
  let status = 0
  for (const [index, text] of settings.urls.entries()) status = await oneUrl(process, settings, index, text)
  return status
})

async function oneUrl(process: Process, settings: CurlSettings, index: number, text: string): Promise<number> {
  const retries = Number(settings.value('retry') ?? 0)
  const delay = settings.value('retry-delay')
  for (let attempt = 0; ; attempt++) {
    const transfer = newTransfer(process, text, settings.method)
    const failure = await perform(process, settings, index, text, transfer)
    const transient = failure ? isTransient(failure, settings) : [408, 429, 500, 502, 503, 504].includes(transfer.status)
    if (attempt < retries && transient) {
      const wait = delay === undefined ? Math.min(firstRetryMs * 2 ** attempt, longestRetryMs) : Number(delay) * 1000
      const what = failure ? failure.message : `HTTP error`
      await warn(
        process,
        settings,
        `Warning: Problem: ${what}. Will retry in ${wait / 1000} ${wait === 1000 ? 'second' : 'seconds'}. ${retries - attempt} ${retries - attempt === 1 ? 'retry' : 'retries'} left.`,
      )
      await process.clock.sleep(wait, process.signal)
      continue
    }
    const format = settings.value('write-out')
    const exit = { code: failure?.code ?? 0, message: failure?.message ?? '' }
    if (format !== undefined) {
      const written = writeOut(format, transfer, exit)
      for (const warning of written.warnings) await process.stderr.write(`${warning}\n`)
      await process.stdout.write(written.text)
    }
    if (failure && !(settings.has('silent') && !settings.has('show-error')))
      await process.stderr.write(`curl: (${failure.code}) ${failure.message}\n${failure.code === 60 ? moreDetails : ''}`)
    return exit.code
  }
}

function isTransient(failure: CurlFailure, settings: CurlSettings): boolean {
  if (settings.has('retry-all-errors')) return true
  return failure.code === 28 || failure.code === 6 || (failure.code === 7 && settings.has('retry-connrefused'))
}

async function warn(process: Process, settings: CurlSettings, text: string): Promise<void> {
  if (!settings.has('silent')) await process.stderr.write(`${text}\n`)
}

function newTransfer(process: Process, url: string, method: string): Transfer {
  return {
    url,
    began: process.clock.now(),
    name: 0,
    connected: 0,
    first: 0,
    total: 0,
    status: 0,
    received: 0,
    sent: 0,
    headerBytes: 0,
    redirects: 0,
    connects: 0,
    contentType: '',
    redirect: '',
    method,
    remote: undefined,
    local: undefined,
    version: '0',
  }
}

/** A whole transfer with its redirections; undefined where it went well. */
async function perform(
  process: Process,
  settings: CurlSettings,
  index: number,
  text: string,
  transfer: Transfer,
): Promise<CurlFailure | undefined> {
  let notes: Promise<void> = Promise.resolve()
  const note = (mark: string, line: string) => {
    if (settings.has('verbose')) notes = notes.then(() => process.stderr.write(`${mark} ${line}\n`))
  }
  try {
    let url = parseUrl(text)
    if (settings.has('get') && settings.all('data').length > 0)
      url.search = `${url.search ? `${url.search}&` : '?'}${settings.all('data').join('&')}`
    const sink = await openSink(process, settings, index, url)
    let method = settings.method
    for (;;) {
      transfer.url = url.href
      transfer.method = method
      let wanted = true
      const head = await transferOnce(process, settings, url, method, transfer, {
        note,
        head: async (received) => {
          transfer.contentType = received.headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? ''
          const status = received.status ?? 0
          if (settings.has('include') || settings.has('head')) await sink.write(`${headLines(received).join('\r\n')}\r\n\r\n`)
          wanted = !(status >= 400 && settings.has('fail')) && !(settings.has('location') && locationOf(url, received) !== undefined)
        },
        body: async (bytes) => {
          await notes
          if (wanted) await sink.write(bytes)
        },
      })
      await notes
      const next = locationOf(url, head)
      transfer.redirect = next?.href ?? ''
      const status = head.status ?? 0
      if (next && settings.has('location')) {
        if (++transfer.redirects > Number(settings.value('max-redirs') ?? redirections)) {
          return new CurlFailure(47, `Maximum (${settings.value('max-redirs') ?? redirections}) redirects followed`)
        }
        note('*', `Issue another request to this URL: '${next.href}'`)
        if (status === 303 || ((status === 301 || status === 302) && method === 'POST' && settings.value('request') === undefined))
          method = 'GET'
        url = next
        continue
      }
      await sink.finish(transfer)
      if (status >= 400 && (settings.has('fail') || settings.has('fail-with-body'))) {
        return new CurlFailure(22, `The requested URL returned error: ${status}`)
      }
      return undefined
    }
  } catch (error) {
    await notes
    transfer.total = process.clock.now() - transfer.began
    if (error instanceof CurlFailure) return error
    if (error instanceof FileError) return new CurlFailure(23, 'client returned ERROR on write, 0 bytes written')
    throw error
  }
}

function locationOf(url: URL, head: { status?: number; headers: readonly (readonly [string, string])[] }): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(head.status ?? 0)) return undefined
  const location = head.headers.find(([name]) => name.toLowerCase() === 'location')?.[1]
  return location === undefined ? undefined : new URL(location, url)
}

function parseUrl(text: string): URL {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  try {
    return new URL(full)
  } catch {
    const port = /^[^/]*:\/\/[^/]*:([^/]*)/.exec(full)?.[1]
    throw new CurlFailure(
      3,
      port !== undefined && !/^\d+$/.test(port)
        ? 'URL rejected: Port number was not a decimal number between 0 and 65535'
        : 'URL rejected: Malformed input to a URL function',
    )
  }
}

/** Where the body goes, and the progress table that curl shows when that is no terminal. */
async function openSink(process: Process, settings: CurlSettings, index: number, url: URL) {
  const file = settings.output(index, url)
  let created = false
  const devNull = file === '/dev/null'
  const meter = !settings.has('silent') && !settings.has('no-progress-meter') && (file !== undefined || !process.isTerminal(1))
  if (meter) await process.stderr.write(meterHead)
  const begin = async () => {
    if (created || file === undefined || devNull) return
    created = true
    process.files.write(file, '')
  }
  return {
    async write(data: Uint8Array | string) {
      if (devNull) return
      if (file === undefined) return process.stdout.write(data)
      await begin()
      process.files.append(file, data)
    },
    async finish(transfer: Transfer) {
      await begin()
      if (!meter) return
      const size = String(transfer.received).padStart(5)
      const speed = String(transfer.total > 0 ? Math.round((transfer.received * 1000) / transfer.total) : 0).padStart(5)
      await process.stderr.write(`\r100 ${size}  100 ${size}    0     0  ${speed}      0 --:--:-- --:--:-- --:--:-- ${speed}\n`)
    },
  }
}

const meterHead = `  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current
                                 Dload  Upload   Total   Spent    Left  Speed
\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0`
