import { fnv32a } from '../fnv.ts'
import type { Catalogue, Image } from '../programs/process.ts'
import { Random } from '../random.ts'

export interface ImageReference {
  /** `docker.io` */
  readonly registry: string
  /** `docker.io/library/nginx` */
  readonly repository: string
  readonly tag: string
  readonly digest?: string
  /** `docker.io/library/nginx:latest` */
  readonly full: string
}

/** Parses and normalises as distribution/reference does; undefined where it is no reference. */
export function parseImage(text: string): ImageReference | undefined {
  const match = /^([^@]+?)(?::([\w][\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(text)
  const name = match?.[1]
  if (!match || name === undefined) return undefined
  const slash = name.indexOf('/')
  const first = slash < 0 ? '' : name.slice(0, slash)
  const hasRegistry = /[.:]/.test(first) || first === 'localhost'
  const path = hasRegistry ? name.slice(slash + 1) : name
  if (!/^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/.test(path)) return undefined
  if (hasRegistry && !/^[\w-]+(\.[\w-]+)*(:\d+)?$/.test(first)) return undefined
  const registry = !hasRegistry || first === 'index.docker.io' ? 'docker.io' : first
  const repository = `${registry}/${registry === 'docker.io' && !path.includes('/') ? 'library/' : ''}${path}`
  const digest = match[3]
  const tag = match[2] ?? (digest ? '' : 'latest')
  return {
    registry,
    repository,
    tag,
    full: `${repository}${tag ? `:${tag}` : ''}${digest ? `@${digest}` : ''}`,
    ...(digest ? { digest } : {}),
  }
}

/** The image behind a reference; where the repository has none with that tag, any of its images. */
export function findImage(catalogue: Catalogue, reference: ImageReference): Image | undefined {
  const images = catalogue.images.filter((image) => image.repositories.includes(reference.repository))
  return images.find((image) => image.tags(reference.tag)) ?? images[0]
}

/** The same for every node and cluster: content decides a digest. */
export function imageDigest(reference: ImageReference): string {
  return reference.digest ?? `sha256:${new Random(fnv32a(reference.full)).hex(64)}`
}

/** A plausible compressed size, the same everywhere. */
export function imageBytes(reference: ImageReference): number {
  return 2_000_000 + new Random(fnv32a(`${reference.full} size`)).below(90_000_000)
}

/**
 * What containerd 2.1 answers a pull of something that cannot be had. The registries of the simulated world hold the catalogue's
 * images; a registry that holds none of them does not exist.
 */
export function pullError(catalogue: Catalogue, reference: ImageReference): string | undefined {
  const image = findImage(catalogue, reference)
  if (image && (reference.digest !== undefined || image.tags(reference.tag))) return undefined
  const failed = `failed to pull and unpack image "${reference.full}": failed to resolve image: `
  if (image) return `rpc error: code = NotFound desc = ${failed}${reference.full}: not found`
  const host = reference.registry
  if (host === 'docker.io' || catalogue.images.some((other) => other.repositories.some((name) => name.startsWith(`${host}/`)))) {
    const denied =
      host === 'docker.io'
        ? 'pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed'
        : `${reference.full}: not found`
    return host === 'docker.io' ? `${failed}${denied}` : `rpc error: code = NotFound desc = ${failed}${denied}`
  }
  const path = reference.repository.slice(host.length + 1)
  return `${failed}failed to do request: Head "https://${host}/v2/${path}/manifests/${reference.digest ?? reference.tag}": dial tcp: lookup ${host.replace(/:\d+$/, '')}: no such host`
}

export type PullPolicy = 'Always' | 'IfNotPresent' | 'Never'

/** The API server's default, for pods that come from a file. */
export function pullPolicyOf(policy: string | undefined, reference: ImageReference): PullPolicy {
  if (policy === 'Always' || policy === 'IfNotPresent' || policy === 'Never') return policy
  return reference.tag === 'latest' ? 'Always' : 'IfNotPresent'
}
