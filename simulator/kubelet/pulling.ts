import type { Container, Pod } from 'kubernetes-types/core/v1'
import { nextBackOff } from './back-off.ts'
import { containerReference } from './container-reference.ts'
import { imageBytes, imageDigest, parseImage, pullError, pullPolicyOf } from './images.ts'
import type { ContainerState, PodState } from './state.ts'
import type { Kubelet } from './world.ts'

/** How soon the kubelet looks again at a container whose pull has failed, and then says ImagePullBackOff. */
const lookAgain = 1000

/** Sees to it that the image is on the node, as the kubelet's image manager does; undefined: not yet, and `known.waiting` says why. */
export function ensureImage(
  kubelet: Kubelet,
  pod: Pod,
  state: PodState,
  container: Container,
  known: ContainerState,
): { full: string; id: string } | undefined {
  const { clock, random, catalogue } = kubelet.world
  const now = clock.now()
  const about = containerReference(pod, container.name)
  const name = container.image ?? ''
  const say = (type: 'Normal' | 'Warning', reason: string, message: string) => kubelet.events.record(about, type, reason, message)
  const wait = (reason: string, message: string) => {
    known.waiting = { reason, message }
    return undefined
  }
  const reference = parseImage(name)
  if (!reference) {
    const message = `Failed to apply default image tag "${name}": couldn't parse image name "${name}": invalid reference format`
    if (known.waiting?.reason !== 'InvalidImageName') {
      say('Warning', 'InspectFailed', message)
      say('Warning', 'Failed', 'Error: InvalidImageName')
    }
    return wait('InvalidImageName', message)
  }
  const { full } = reference
  const policy = pullPolicyOf(container.imagePullPolicy, reference)
  const present = kubelet.state.images[full]
  if (present && policy !== 'Always') {
    say('Normal', 'Pulled', `Container image "${name}" already present on machine`)
    return { full, id: present.id }
  }
  if (policy === 'Never') {
    const message = `Container image "${name}" is not present with pull policy of Never`
    if (known.waiting?.reason !== 'ErrImageNeverPull') {
      say('Warning', 'ErrImageNeverPull', message)
      say('Warning', 'Failed', 'Error: ErrImageNeverPull')
    }
    return wait('ErrImageNeverPull', message)
  }
  const failed = state.pulls[full]
  if (failed && now < failed.updatedAt + failed.delay) {
    if (known.waiting?.reason !== 'ImagePullBackOff') {
      say('Normal', 'BackOff', `Back-off pulling image "${name}"`)
      say('Warning', 'Failed', 'Error: ImagePullBackOff')
    }
    kubelet.syncAt(state.uid, failed.updatedAt + failed.delay)
    return wait('ImagePullBackOff', `Back-off pulling image "${name}": ${failed.reason}: ${failed.error}`)
  }
  say('Normal', 'Pulling', `Pulling image "${name}"`)
  const error = pullError(catalogue, reference)
  if (error !== undefined) {
    state.pulls[full] = { ...nextBackOff(failed, now, now), error, reason: 'ErrImagePull' }
    say('Warning', 'Failed', `Failed to pull image "${name}": ${error}`)
    say('Warning', 'Failed', 'Error: ErrImagePull')
    kubelet.syncAt(state.uid, now + lookAgain)
    return wait('ErrImagePull', error)
  }
  delete state.pulls[full]
  const image = present ?? { id: `${reference.repository}@${imageDigest(reference)}`, bytes: imageBytes(reference) }
  kubelet.state.images[full] = image
  // The pull takes no time of the simulation; what it would have taken is only said.
  const took = present ? 80 + random.below(400) : 300 + random.below(4000)
  const text = took < 1000 ? `${took}ms` : `${(took / 1000).toFixed(3).replace(/0+$/, '')}s`
  say('Normal', 'Pulled', `Successfully pulled image "${name}" in ${text} (${text} including waiting). Image size: ${image.bytes} bytes.`)
  return { full, id: image.id }
}
