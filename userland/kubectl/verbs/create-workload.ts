import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { Failure } from '../cli/failure.ts'
import { int, list, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { pathOf, resolveType } from '../client/discovery.ts'
import { own } from '../objects/change.ts'
import { createGenerated, generatorFlags, nameArgument } from './generate.ts'

export const createDeployment: Verb = {
  name: 'deployment',
  aliases: ['deploy'],
  about: 'Create a deployment with the specified name',
  usage: 'NAME --image=image -- [COMMAND] [args...] [options]',
  required: ['image'],
  flags: [
    list('image', 'Image of a container; may be given several times.'),
    int('port', 'Port that the containers expose.', undefined, '-1'),
    int('replicas', 'Number of pods.', 'r', '1'),
    ...generatorFlags,
  ],
  async run(call) {
    const name = nameArgument(call)
    const images = call.flags.list('image')
    const command = call.dash < 0 ? [] : call.args.slice(call.dash)
    if (images.length > 1 && command.length > 0) throw new Failure('cannot specify multiple --image options and command')
    const port = call.flags.number('port')
    const labels = { app: name }
    const containers = images.map((image, at) => ({
      name: containerName(image),
      image,
      ...(command.length > 0 ? { command } : {}),
      ...(port > 0 && at === 0 ? { ports: [{ containerPort: port }] } : {}),
      resources: {},
    }))
    const spec = {
      replicas: call.flags.number('replicas'),
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
      strategy: {},
    }
    return createGenerated(call, own('Deployment', 'apps/v1', { metadata: { name, labels }, spec, status: {} }), 'deployment')
  },
}

/** The last part of the image's name, made fit for a container's name. */
function containerName(image: string): string {
  const last = (image.split('/').at(-1) as string).split(/[:@]/)[0] as string
  return last
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, '-')
    .replace(/^-+|-+$/g, '')
}

export const createJob: Verb = {
  name: 'job',
  about: 'Create a job with the specified name',
  usage: 'NAME --image=image [--from=cronjob/name] -- [COMMAND] [args...] [options]',
  flags: [
    text('from', 'The cron job to take the template from: cronjob/NAME.'),
    text('image', 'Image of the container.'),
    ...generatorFlags,
  ],
  async run(call) {
    const name = nameArgument(call)
    const { flags } = call
    const from = flags.text('from')
    const command = call.dash < 0 ? [] : call.args.slice(call.dash)
    if ((flags.text('image') === '') === (from === '')) throw new Failure('either --image or --from must be specified')
    if (from !== '') {
      if (command.length > 0) throw new Failure('cannot specify --from and command')
      return createGenerated(call, await jobFromCronJob(call, name, from), 'job')
    }
    const container = { name, image: flags.text('image'), ...(command.length > 0 ? { command } : {}), resources: {} }
    const template = { metadata: {}, spec: { containers: [container], restartPolicy: 'Never' } }
    return createGenerated(call, own('Job', 'batch/v1', { metadata: { name }, spec: { template }, status: {} }), 'job')
  },
}

async function jobFromCronJob(call: Call, name: string, from: string): Promise<KubeObject> {
  const [word = '', cronName] = from.split('/')
  const type = resolveType(await call.discovery(), word)
  if (type.kind !== 'CronJob') {
    await call.client().json('GET', pathOf(type, call.namespace(), cronName))
    throw new Failure(`unknown object type *v1.${type.kind}`)
  }
  const cron = await call.client().json('GET', pathOf(type, call.namespace(), cronName))
  const owner = { apiVersion: 'batch/v1', kind: 'CronJob', name: cron.metadata.name, uid: cron.metadata.uid, controller: true }
  const template = cron.spec.jobTemplate
  const metadata = {
    name,
    ...(template.metadata?.labels ? { labels: template.metadata.labels } : {}),
    annotations: { ...template.metadata?.annotations, 'cronjob.kubernetes.io/instantiate': 'manual' },
    ownerReferences: [owner],
  }
  return own('Job', 'batch/v1', { metadata, spec: { ...template.spec, template: { metadata: {}, ...template.spec.template } }, status: {} })
}

export const createCronJob: Verb = {
  name: 'cronjob',
  aliases: ['cj'],
  about: 'Create a cron job with the specified name',
  usage: "NAME --image=image --schedule='0/5 * * * ?' -- [COMMAND] [args...] [options]",
  required: ['image', 'schedule'],
  flags: [
    text('image', 'Image of the container.'),
    text('restart', 'OnFailure or Never.', undefined, 'OnFailure'),
    text('schedule', 'When to run, in the five fields of cron.'),
    ...generatorFlags,
  ],
  async run(call) {
    const name = nameArgument(call)
    const command = call.dash < 0 ? [] : call.args.slice(call.dash)
    const container = { name, image: call.flags.text('image'), ...(command.length > 0 ? { command } : {}), resources: {} }
    const template = { metadata: {}, spec: { containers: [container], restartPolicy: call.flags.text('restart') } }
    const spec = { schedule: call.flags.text('schedule'), jobTemplate: { metadata: { name }, spec: { template } } }
    return createGenerated(call, own('CronJob', 'batch/v1', { metadata: { name }, spec, status: {} }), 'cronjob')
  },
}
