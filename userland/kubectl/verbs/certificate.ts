import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { timestamp } from '../../../simulator/kubernetes.ts'
import { Failure, isNotFound, StatusFailure } from '../cli/failure.ts'
import { bool } from '../cli/flags.ts'
import { helpText } from '../cli/help.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { pathOf, resolveType } from '../client/discovery.ts'
import { report } from '../objects/change.ts'
import { filenameFlags, hasFiles } from '../objects/manifests.ts'
import { type Info, namedTargets, type Target, visit } from '../objects/targets.ts'
import { printFlags } from '../print/printer.ts'

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
  readonly lastUpdateTime: string
}

interface Decision {
  readonly verb: 'approve' | 'deny'
  readonly type: 'Approved' | 'Denied'
  readonly not: 'Approved' | 'Denied'
  readonly reason: string
}

const approve: Decision = { verb: 'approve', type: 'Approved', not: 'Denied', reason: 'KubectlApprove' }
const deny: Decision = { verb: 'deny', type: 'Denied', not: 'Approved', reason: 'KubectlDeny' }

export const certificateVerb: Verb = {
  name: 'certificate',
  about: 'Modify certificate resources',
  usage: 'SUBCOMMAND [options]',
  children: [decide(approve, 'Approve a certificate signing request'), decide(deny, 'Deny a certificate signing request')],
  // Asking for nothing in particular is no mistake here, unlike with other commands.
  run: (call) => call.out(helpText(certificateVerb, call.path)) as Promise<undefined>,
}

function decide(decision: Decision, about: string): Verb {
  return {
    name: decision.verb,
    about,
    examples: [`kubectl certificate ${decision.verb} csr-sqgzp`],
    usage: '(-f FILENAME | NAME) [options]',
    flags: [...filenameFlags, bool('force', `Update the request even if it is already ${decision.type.toLowerCase()}.`), ...printFlags],
    run: (call) => run(call, decision),
  }
}

async function run(call: Call, decision: Decision): Promise<undefined> {
  if (call.args.length === 0 && !hasFiles(call)) throw new Failure('one or more CSRs must be specified as <name> or -f <filename>')
  const seen = await visit(call, await targets(call), {}, async (info) => {
    if (info.type.group !== 'certificates.k8s.io' || info.type.kind !== 'CertificateSigningRequest') {
      const got = info.type.group ? `${info.type.kind}.${info.type.group}` : info.type.kind
      throw new Failure(`can only handle CertificateSigningRequest.certificates.k8s.io objects, got ${got}`)
    }
    await write(call, info, decision)
    await report(call, info.type, info.object, decision.type.toLowerCase())
  })
  if (seen === 0) await call.out('No resources found\n')
}

async function targets(call: Call): Promise<Target[]> {
  if (call.args.length === 0) return namedTargets(call, [])
  const type = resolveType(await call.discovery(), 'certificatesigningrequests')
  return call.args.map((name) => ({ type, namespace: undefined, name }))
}

/** Adds the condition where it is not there yet; a conflict is tried again up to ten times. */
async function write(call: Call, info: Info, { type, not, reason, verb }: Decision): Promise<void> {
  const path = pathOf(info.type, undefined, info.name)
  for (let attempt = 0; ; attempt++) {
    const csr = await call
      .client()
      .json<KubeObject>('GET', path)
      .catch((error: unknown) => {
        if (isNotFound(error)) throw new Failure(`could not find v1 version of ${info.name}: ${(error as Error).message}`)
        throw error
      })
    const status = (csr['status'] ?? {}) as { conditions?: Condition[] }
    const conditions = status.conditions ?? []
    if (conditions.some((condition) => condition.type === not))
      throw new Failure(`certificate signing request ${JSON.stringify(info.name)} is already ${not}`)
    const has = conditions.some((condition) => condition.type === type)
    if (has && !call.flags.bool('force')) return
    const added: Condition = {
      type,
      status: 'True',
      reason,
      message: `This CSR was ${type.toLowerCase()} by kubectl certificate ${verb}.`,
      lastUpdateTime: timestamp(call.process.clock.now()),
    }
    const body = has ? csr : { ...csr, status: { ...status, conditions: [...conditions, added] } }
    try {
      await call.client().json('PUT', `${path}/approval`, { body })
      return
    } catch (error) {
      if (!(error instanceof StatusFailure && error.reason === 'Conflict' && attempt < 10)) throw error
    }
  }
}
