import type { KeyToPath, Volume } from 'kubernetes-types/core/v1'
import type { FieldError } from '../definition.ts'
import { duplicate, forbidden, invalid, invalidEach, notSupported, required } from '../fields.ts'
import { isDns1123Label } from '../names.ts'
import { validateRelativePath } from './container.ts'

const hostPathTypes = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket']
const modeSentence = 'must be a number between 0 and 0777 (octal), both inclusive'

/** The names of the volumes that are valid and so may be mounted, and what is wrong with the others. */
export function validateVolumes(field: string, volumes: readonly Volume[]): { names: Set<string>; errors: FieldError[] } {
  const names = new Set<string>()
  const errors: FieldError[] = []
  volumes.forEach((volume, index) => {
    const at = `${field}[${index}]`
    const found = validateSource(at, volume)
    if (!volume.name) found.push(required(`${at}.name`))
    else found.push(...invalidEach(`${at}.name`, volume.name, isDns1123Label(volume.name)))
    if (names.has(volume.name)) found.push(duplicate(`${at}.name`, volume.name))
    if (found.length) errors.push(...found)
    else names.add(volume.name)
  })
  return { names, errors }
}

function validateSource(at: string, volume: Volume): FieldError[] {
  const { name: _name, ...sources } = volume
  const kinds = Object.entries(sources).filter(([, source]) => source !== undefined && source !== null)
  if (!kinds.length) return [required(at, 'must specify a volume type')]
  const [, ...more] = kinds
  const errors: FieldError[] = more.map(([kind]) => forbidden(`${at}.${kind}`, 'may not specify more than 1 volume type'))
  if (volume.hostPath) {
    const { path, type } = volume.hostPath
    if (!path) errors.push(required(`${at}.hostPath.path`))
    else {
      if (path.split('/').includes('..')) errors.push(invalid(`${at}.hostPath.path`, path, "must not contain '..'"))
      if (type !== undefined && !hostPathTypes.includes(type)) errors.push(notSupported(`${at}.hostPath.type`, type, hostPathTypes))
    }
  }
  if (volume.configMap) {
    if (!volume.configMap.name) errors.push(required(`${at}.configMap.name`))
    errors.push(...validateFiles(`${at}.configMap`, volume.configMap.defaultMode, volume.configMap.items))
  }
  if (volume.secret) {
    if (!volume.secret.secretName) errors.push(required(`${at}.secret.secretName`))
    errors.push(...validateFiles(`${at}.secret`, volume.secret.defaultMode, volume.secret.items))
  }
  if (volume.persistentVolumeClaim && !volume.persistentVolumeClaim.claimName) {
    errors.push(required(`${at}.persistentVolumeClaim.claimName`))
  }
  volume.projected?.sources?.forEach((source, index) => {
    const field = `${at}.projected.sources[${index}]`
    if (source.configMap) {
      if (!source.configMap.name) errors.push(required(`${field}.configMap.name`))
      errors.push(...validateFiles(`${field}.configMap`, undefined, source.configMap.items))
    }
    if (source.secret) {
      if (!source.secret.name) errors.push(required(`${field}.secret.name`))
      errors.push(...validateFiles(`${field}.secret`, undefined, source.secret.items))
    }
    if (source.serviceAccountToken) {
      const { path, expirationSeconds = 3600 } = source.serviceAccountToken
      if (!path) errors.push(required(`${field}.path`))
      else errors.push(...validateRelativePath(`${field}.path`, path))
      if (expirationSeconds < 600) {
        errors.push(invalid(`${field}.expirationSeconds`, expirationSeconds, 'may not specify a duration less than 10 minutes'))
      }
    }
  })
  return errors
}

function validateFiles(field: string, mode: number | undefined, items: readonly KeyToPath[] | undefined): FieldError[] {
  const errors: FieldError[] = []
  const checkMode = (at: string, value: number | undefined) => {
    if (value !== undefined && (value < 0 || value > 0o777)) errors.push(invalid(at, value, modeSentence))
  }
  checkMode(`${field}.defaultMode`, mode)
  items?.forEach((item, index) => {
    const at = `${field}.items[${index}]`
    if (!item.key) errors.push(required(`${at}.key`))
    if (!item.path) errors.push(required(`${at}.path`))
    errors.push(...validateRelativePath(`${at}.path`, item.path ?? ''))
    if (item.path?.startsWith('..') && !item.path.startsWith('../')) {
      errors.push(invalid(`${at}.path`, item.path, "must not start with '..'"))
    }
    checkMode(`${at}.mode`, item.mode)
  })
  return errors
}
