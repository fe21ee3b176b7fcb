import type { EventMemory } from '../../events/correlator.ts'
import { eventRecorder } from '../../events/recorder.ts'
import type { Cloud } from '../../outside/cloud/cloud.ts'
import { type InformerMemory, informers } from '../informers.ts'
import { klog } from '../klog.ts'
import type { Daemon, Image } from '../process.ts'
import { MiB } from '../usage.ts'
import {
  keyOf,
  type NodeObject,
  needsCleanup,
  needsUpdate,
  type Remembered,
  type ServiceObject,
  serviceController,
  wantsLoadBalancer,
} from './service-controller.ts'

interface State {
  readonly known: InformerMemory
  readonly events: EventMemory
  readonly services: Record<string, Remembered>
}

export const cloudControllerManagerImage = 'registry.k8s.io/cloud-provider-kind/cloud-controller-manager'
export const cloudControllerManagerVersion = 'v0.9.0'

/** cloud-provider-kind's controller manager, of which the service controller is modelled. `cloud`: absent where nobody rents anything out. */
export function cloudControllerManager(cluster: string, cloud: Cloud | undefined): Image {
  return {
    repositories: [cloudControllerManagerImage],
    tags: (tag) => tag === cloudControllerManagerVersion,
    entrypoint: ['/bin/cloud-provider-kind'],
    executables: { '/bin/cloud-provider-kind': program(cluster, cloud) },
  }
}

function program(cluster: string, cloud: Cloud | undefined): Daemon<State> {
  return {
    kind: 'daemon',
    id: 'cloud-controller-manager/cloud-provider-kind',
    usage: { cores: 0.001, bytes: 20 * MiB, secondsAtStart: 0.1, secondsPerConnection: 0.0002, secondsPerMessage: 0.0003 },
    initial: () => ({ known: {}, events: {}, services: {} }),
    run(context) {
      const log = klog(context)
      context.onSignal(() => context.exit(0))
      if (!cloud) {
        context.log('Error: no supported container runtime found', 'stderr')
        return context.exit(1)
      }
      const { state } = context
      const following = informers(context, {
        memory: state.known,
        followed: [
          { resource: 'services', type: '*v1.Service' },
          { resource: 'nodes', type: '*v1.Node' },
        ],
        failed: ({ what, type, message }) =>
          log(
            'E',
            'reflector.go:205',
            `"Failed to watch" err=${JSON.stringify(what === 'list' ? `failed to list ${type}: ${message}` : message)} logger="UnhandledError" reflector="k8s.io/client-go/informers/factory.go:160" type="${type}"`,
          ),
        synced(api) {
          const controller = serviceController({
            cluster,
            cloud,
            api,
            cache: following.cache,
            clock: context.clock,
            retries: context.timers((key) => controller.add(key)),
            events: eventRecorder(api, context.clock, { component: 'service-controller' }, state.events),
            memory: state.services,
            say: (source, message, failed) => log(failed ? 'E' : 'I', source, message),
          })
          onService = (before, service) => {
            if (before ? needsUpdate(before, service) || needsCleanup(service) : wantsLoadBalancer(service) || needsCleanup(service))
              controller.add(keyOf(service))
          }
          onNode = controller.syncNodes
          if (context.resumed) return
          log('I', 'controller.go:237', 'Starting service controller')
          log('I', 'shared_informer.go:349', '"Waiting for caches to sync" controller="service"')
          log('I', 'shared_informer.go:356', '"Caches are synced" controller="service"')
          controller.addAll()
        },
      })
      let onService: (before: ServiceObject | undefined, service: ServiceObject) => void = () => {}
      let onNode: () => void = () => {}
      following.onChange<ServiceObject>('services', ({ type, object, previous }) => {
        if (type !== 'DELETED') onService(previous, object)
      })
      following.onChange<NodeObject>('nodes', () => onNode())
      following.start()
    },
  }
}
