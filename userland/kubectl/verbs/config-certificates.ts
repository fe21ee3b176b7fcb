import { FileError, resolvePath } from '../../../simulator/files.ts'
import { Failure } from '../cli/failure.ts'
import { bool } from '../cli/flags.ts'
import type { Call } from '../cli/verb.ts'
import { toBase64 } from '../objects/text.ts'

export const embedFlag = bool('embed-certs', 'Write what the files hold into the kubeconfig, in place of their paths.')

/**
 * What `config set-credentials` and `set-cluster` write of the files that flags of these names give: paths, or with --embed-certs what is
 * in them. One takes the other's place (undefined: the field goes); empty is what no flag gave.
 */
export function certificateFields(call: Call, names: readonly string[]): Record<string, string | undefined> {
  const { flags, process } = call
  const embed = flags.bool('embed-certs')
  const given = names.filter((name) => flags.text(name) !== '')
  if (embed && given.length === 0) throw new Failure(`you must specify a ${names.map((name) => `--${name}`).join(' or ')} to embed`)
  const fields: Record<string, string | undefined> = {}
  for (const name of given) {
    const path = flags.text(name)
    const whole = resolvePath(process.cwd, path)
    fields[name] = embed ? undefined : whole
    fields[`${name}-data`] = embed ? toBase64(contentOf(call, name, path, whole)) : undefined
  }
  return fields
}

function contentOf(call: Call, name: string, path: string, whole: string): Uint8Array {
  try {
    return call.process.files.read(whole)
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    if (error.code === 'ENOENT') throw new Failure(`could not stat ${name} file ${path}: stat ${path}: no such file or directory`)
    throw new Failure(`could not read ${name} file ${path}: read ${path}: is a directory`)
  }
}
