import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const { resolve } = createRequire(import.meta.url)

/** `dist` of the installed @kubernetes/client-node. */
export function clientFolder(): string {
  return dirname(resolve('@kubernetes/client-node'))
}

/** The installed kubernetes-types. */
export function typesFolder(): string {
  return dirname(resolve('kubernetes-types/package.json'))
}

/** `1.4.0+1.30.0`: the versions of both. */
export function packageVersions(): string {
  return [join(clientFolder(), '..'), typesFolder()]
    .map((folder) => (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version)
    .join('+')
}
