import type { Transfer } from './transfer.ts'

/** What `-w` says for one transfer. Unknown variables are told on standard error, as curl does. */
export function writeOut(
  format: string,
  transfer: Transfer,
  exit: { code: number; message: string },
): { text: string; warnings: string[] } {
  const seconds = (ms: number) => (ms / 1000).toFixed(6)
  const speed = (bytes: number) => `${transfer.total > 0 ? Math.round((bytes * 1000) / transfer.total) : 0}`
  const status = String(transfer.status).padStart(3, '0')
  const variables: Record<string, string> = {
    http_code: status,
    response_code: status,
    http_version: transfer.version,
    time_total: seconds(transfer.total),
    time_namelookup: seconds(transfer.name),
    time_connect: seconds(transfer.connected),
    time_appconnect: seconds(0),
    time_pretransfer: seconds(transfer.connected),
    time_starttransfer: seconds(transfer.first),
    time_redirect: seconds(0),
    size_download: `${transfer.received}`,
    size_upload: `${transfer.sent}`,
    size_header: `${transfer.headerBytes}`,
    speed_download: speed(transfer.received),
    speed_upload: speed(transfer.sent),
    remote_ip: transfer.remote?.address ?? '',
    remote_port: `${transfer.remote?.port ?? 0}`,
    local_ip: transfer.local?.address ?? '',
    local_port: `${transfer.local?.port ?? 0}`,
    url: transfer.url,
    url_effective: transfer.url,
    content_type: transfer.contentType,
    num_connects: `${transfer.connects}`,
    num_redirects: `${transfer.redirects}`,
    redirect_url: transfer.redirect,
    scheme: transfer.url.replace(/:.*/, ''),
    method: transfer.method,
    exitcode: `${exit.code}`,
    errormsg: exit.message,
  }
  const warnings: string[] = []
  const text = format.replace(/%\{(\w+)\}|%%|\\(n|r|t)/g, (whole, name: string | undefined, special: string | undefined) => {
    if (special) return { n: '\n', r: '\r', t: '\t' }[special] as string
    if (name === undefined) return '%'
    const value = variables[name]
    if (value === undefined) warnings.push(`curl: unknown --write-out variable: '${name}'`)
    return value ?? (name in variables ? whole : '')
  })
  return { text, warnings }
}
