import { FileError, resolvePath } from '../../../simulator/files.ts'
import type { ClientIdentity } from '../../../simulator/network/sockets.ts'
import type { Process } from '../../../simulator/programs/process.ts'
import { Failure, PlainFailure } from '../cli/failure.ts'
import type { Flags } from '../cli/flags.ts'
import { fromBase64 } from '../objects/text.ts'
import type { Kubeconfig } from './kubeconfig.ts'

export interface Identity extends ClientIdentity {
  /** It is read anew for each connection, not part of the kubeconfig. */
  readonly fromFiles: boolean
}

/**
 * The client certificate of a user of the kubeconfig and its key, or those that flags name instead (client-go's clientcmd: overrides,
 * then validateAuthInfo). Paths of a kubeconfig begin at its folder. Throws what is wrong with them.
 */
export function identityOf(
  process: Process,
  config: Kubeconfig,
  userName: string,
  user: Readonly<Record<string, any>>,
  flags: Flags,
): Identity | undefined {
  const folder = folderOf(config.origin.get(`users/${userName}`) ?? process.cwd)
  const source = (flag: string, word: string) => {
    const given = flags.text(flag)
    const named: string | undefined = user[flag]
    return {
      word,
      path: given ? resolvePath(process.cwd, given) : named ? resolvePath(folder, named) : '',
      shown: given || (named ? resolvePath(folder, named) : ''),
      data: given ? '' : ((user[`${flag}-data`] as string | undefined) ?? ''),
    }
  }
  const certificate = source('client-certificate', 'client-cert')
  const key = source('client-key', 'client-key')
  if (!certificate.path && !certificate.data) return undefined
  const wrong: string[] = []
  if (certificate.path && certificate.data)
    wrong.push(`client-cert-data and client-cert are both specified for ${userName}. client-cert-data will override.`)
  if (key.path && key.data) wrong.push(`client-key-data and client-key are both specified for ${userName}; client-key-data will override`)
  if (!key.path && !key.data)
    wrong.push(`client-key-data or client-key must be specified for ${userName} to use the clientCert authentication method.`)
  const read = ({ word, path, shown, data }: typeof key) => {
    if (data) return decoded(data)
    if (!path) return ''
    try {
      return process.files.readText(path)
    } catch (error) {
      if (!(error instanceof FileError)) throw error
      const why = error.code === 'ENOENT' ? `open ${shown}: no such file or directory` : `read ${shown}: is a directory`
      wrong.push(`unable to read ${word} ${shown} for ${userName} due to ${why}`)
      return ''
    }
  }
  const identity = { certificate: read(certificate), key: read(key), fromFiles: !certificate.data && !key.data }
  if (wrong.length === 0) return identity
  if (wrong.length === 1) throw new Failure(wrong[0] as string)
  throw new PlainFailure(`Error in configuration: \n${wrong.map((one) => `* ${one}\n`).join('')}`)
}

function decoded(data: string): string {
  try {
    return new TextDecoder().decode(fromBase64(data))
  } catch {
    throw new Failure('illegal base64 data in a certificate or key of the kubeconfig')
  }
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}
