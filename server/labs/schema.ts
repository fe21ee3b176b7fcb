import { z } from 'zod'
import { objectForms, parseObjectReference, parseSource, sourceForms } from './references.ts'

/** What `lab.yaml` may hold. The descriptions end up in the JSON Schema, where an editor shows them. */

const id = z
  .string()
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'lower-case words joined by dashes, such as `dns-answers`')
  .describe('Lower-case words joined by dashes.')
const sentence = z.string().min(1).max(400)
const seconds = z.number().min(0).max(600)

const source = z
  .string()
  .refine((text) => parseSource(text) !== undefined, sourceForms)
  .describe(`Where it is tried from: ${sourceForms}.`)
const object = z
  .string()
  .refine((text) => parseObjectReference(text) !== undefined, objectForms)
  .describe(`Objects of the cluster: ${objectForms}. A kind that is not built in carries its group and version: \`Kind.group/version\`.`)

const hostAndPort = z.string().regex(/^(\[[0-9a-f:]+\]|[^:\s]+):\d{1,5}$/i, '`host:port`')
const outcome = z.enum(['answered', 'refused', 'timeout', 'unreachable', 'unresolved'])
const timeout = z.number().min(0.1).max(30).default(2).describe('Seconds to wait for an answer.')

const state = z
  .strictObject({
    objects: z
      .record(z.string().regex(/^[a-z][A-Za-z0-9]*$/, 'a name such as `pods`'), object)
      .describe('Names for the expression. One object, or null where it does not exist; a list for a selector or `*`.'),
    expr: z.string().min(1).describe('A CEL expression over the names; true passes.'),
    expect: z
      .string()
      .min(1)
      .optional()
      .describe('What the expression asks for, in words that a learner reads; the expression itself by default.'),
  })
  .describe('A CEL expression over objects of the cluster.')

const answer = z.strictObject({
  outcome: outcome.default('answered'),
  status: z
    .union([z.number().int().min(100).max(599), z.array(z.number().int().min(100).max(599)).min(1)])
    .optional()
    .describe('HTTP status, or several that are right.'),
  body: z.string().optional().describe('Text that the body must contain.'),
  headers: z.record(z.string(), z.string()).optional().describe('Headers and their exact values.'),
})

const reach = z
  .strictObject({
    from: source,
    url: z
      .url({ protocol: /^https?$/, error: 'an address such as `http://web.shop.svc.cluster.local/`' })
      .optional()
      .describe('An HTTP request to this URL.'),
    tcp: hostAndPort.optional().describe('A TCP connection to `host:port`.'),
    host: z.string().optional().describe('Host header of the HTTP request.'),
    timeout,
    expect: z.union([outcome, z.array(outcome).min(1), answer]).default('answered'),
  })
  .refine(
    (value) => (value.url === undefined) !== (value.tcp === undefined),
    '`url` for HTTP or `tcp` for a bare connection, one of the two',
  )
  .describe('From one place of the cluster to another: answered, refused, timed out.')

const matrix = z
  .strictObject({
    targets: z
      .record(z.string().min(1).max(40), hostAndPort)
      .describe('Names for the columns, each with the `host:port` that a TCP connection is tried to.'),
    sources: z
      .record(source, z.record(z.string(), z.enum(['allowed', 'denied'])))
      .describe('For each source what is to come of each target; a target that is left out is not tried.'),
    timeout: z.number().min(0.1).max(30).default(1).describe('Seconds to wait for each connection.'),
    tries: z
      .number()
      .int()
      .min(1)
      .max(20)
      .default(1)
      .describe('How often each connection is tried, all at once: a Service with several pods behind it may answer by luck.'),
  })
  .superRefine(({ targets, sources }, context) => {
    for (const [from, cells] of Object.entries(sources)) {
      for (const target of Object.keys(cells).filter((name) => !(name in targets))) {
        const message = `names the target "${target}"; allowed: ${Object.keys(targets).join(', ')}`
        context.addIssue({ code: 'custom', path: ['sources', from, target], message })
      }
    }
  })
  .describe('Who reaches whom: a table of sources against targets. Denied is a connection that is refused, unreachable or never answered.')

const rcode = z.enum(['NOERROR', 'NXDOMAIN', 'SERVFAIL', 'REFUSED', 'NOTIMP', 'FORMERR'])
const dns = z
  .strictObject({
    from: source,
    name: z.string().min(1).describe('As a program would ask; search domains apply unless it ends with a dot.'),
    type: z.enum(['A', 'AAAA', 'SRV', 'PTR', 'CNAME', 'TXT']).default('A'),
    server: z.string().optional().describe('Asks this server instead of those of resolv.conf.'),
    timeout,
    expect: z
      .union([
        rcode,
        z.strictObject({
          rcode: rcode.default('NOERROR'),
          answers: z.array(z.string()).optional().describe('Exactly these answers, in any order.'),
          service: z
            .string()
            .regex(/^[a-z0-9-]+\/[a-z0-9-]+$/, '`namespace/name`')
            .optional()
            .describe('The answer is the cluster IP of this Service, written `namespace/name`.'),
          within: z.number().int().min(1).optional().describe('Milliseconds the answer may take.'),
        }),
      ])
      .default('NOERROR'),
  })
  .describe('A question asked from a pod, a node or the workstation.')

const untouched = z
  .strictObject({
    objects: z.union([object, z.array(object).min(1)]),
    fields: z
      .array(z.string().regex(/^[A-Za-z]/, 'a path such as `spec.template.spec` or `metadata.uid`'))
      .min(1)
      .optional()
      .describe('Only these fields; without it everything but status and book-keeping.'),
    expr: z.string().min(1).optional().describe('A CEL expression over `old` and `new` instead (lists for a selector or `*`).'),
  })
  .refine((value) => value.fields === undefined || value.expr === undefined, '`fields` or `expr`, not both')
  .describe('What a repair must leave as it was before the fault.')

export const checkKinds = ['state', 'reach', 'matrix', 'dns', 'untouched'] as const
export type CheckKind = (typeof checkKinds)[number]
/** Kinds of the format that are not built yet: refused by name rather than read as a typing mistake. */
export const laterKinds = ['command'] as const

const check = z
  .strictObject({
    id,
    title: sentence.describe('What must be true, for the learner.'),
    state: state.optional(),
    reach: reach.optional(),
    matrix: matrix.optional(),
    dns: dns.optional(),
    untouched: untouched.optional(),
    pass: sentence.describe('The sentence for success.'),
    fail: sentence.describe('The sentence for failure. It says what is wrong, never how to mend it.'),
    hold: seconds.default(0).describe('Seconds that it must stay true before it counts.'),
    whenBroken: z
      .enum(['fails', 'passes'])
      .optional()
      .describe(
        'What it does before the repair: `fails` unless it is `untouched`. A lab that is not so is not armed, and refuses to start.',
      ),
  })
  .refine(
    (value) => checkKinds.filter((kind) => value[kind] !== undefined).length === 1,
    `exactly one of ${checkKinds.map((kind) => `\`${kind}\``).join(', ')}`,
  )

const cni = z.enum(['kindnet', 'calico', 'flannel', 'cilium', 'weave', 'none'])

const task = z.strictObject({
  id,
  title: sentence,
  points: z.number().int().min(0).max(1000),
  checks: z.array(check).min(1).describe('The task is done, and its points earned, when all of them pass.'),
})

export const labSchema = z.strictObject({
  apiVersion: z.literal('faultline.dev/v1'),
  kind: z.literal('Lab'),
  title: z.string().min(1).max(80),
  summary: sentence.describe('One or two sentences for the catalogue. It tells the symptom, not the cause.'),
  track: z.string().min(1).max(40),
  level: z.enum(['beginner', 'intermediate', 'advanced']),
  symptoms: z.array(z.string().min(1)).default([]).describe('What a person would search for: SERVFAIL, 504, Pending.'),
  minutes: z.number().int().min(1).max(240),
  cluster: z
    .strictObject({
      nodes: z.number().int().min(1).max(10).default(3).describe('The control plane included.'),
      cni: cni.default('kindnet').describe('`none`: nodes stay NotReady until somebody installs a plugin.'),
      healthy: z
        .strictObject({ cni })
        .optional()
        .describe(
          'Where the cluster itself is the fault: what is different in a cluster on which the world passes every check. Only the proof of the lab makes one.',
        ),
      kubernetes: z
        .string()
        .regex(/^1\.\d+$/, 'a minor version in quotes, such as "1.34"')
        .default('1.34'),
      loadBalancers: z
        .number()
        .int()
        .min(0)
        .max(50)
        .optional()
        .describe('The quota of load balancers of a cloud. Absent: there is no cloud, and Services of type LoadBalancer stay pending.'),
      addons: z
        .array(z.enum(['ingress-nginx', 'traefik']))
        .min(1)
        .optional()
        .describe(
          'An ingress controller that stands ready: ingress-nginx on ports 80 and 443 of the control plane, Traefik behind node ports.',
        ),
    })
    .prefault({}),
  engines: z
    .array(z.enum(['simulated', 'kind']))
    .min(1)
    .default(['simulated'])
    .describe('In the order of preference.'),
  tasks: z.array(task).min(1),
  hints: z.array(z.strictObject({ text: sentence.describe('Markdown.'), cost: z.number().int().min(0).max(1000).default(0) })).default([]),
  'wrong-fixes': z
    .record(z.string(), id)
    .default({})
    .describe('The check that catches each wrong fix, by file name without `.sh`; a `# caught-by:` line in the script says the same.'),
  test: z
    .strictObject({
      ready: z.number().min(0.5).max(900).default(60).describe('Seconds until the world must be ready.'),
      armed: z.number().min(0.5).max(300).default(30).describe('Seconds until the fault must show.'),
      solved: z.number().min(0.5).max(900).default(60).describe('Seconds until a solution must have passed every check.'),
      settle: z.number().min(0).max(120).default(2).describe('Seconds without a change after which a wrong fix has had its effect.'),
    })
    .prefault({})
    .describe('Time budgets.'),
})

export type LabFile = z.output<typeof labSchema>
export type CheckFile = LabFile['tasks'][number]['checks'][number]
export type StateCheck = NonNullable<CheckFile['state']>
export type ReachCheck = NonNullable<CheckFile['reach']>
export type MatrixCheck = NonNullable<CheckFile['matrix']>
export type DnsCheck = NonNullable<CheckFile['dns']>
export type UntouchedCheck = NonNullable<CheckFile['untouched']>

/** The JSON Schema for editors, which `npm run update` writes to `labs/schema.json`. */
export function labJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(labSchema, { io: 'input', target: 'draft-7', reused: 'ref' }) as Record<string, unknown>
  return { $schema, $id: 'https://faultline.dev/lab.v1.schema.json', title: 'Faultline lab', ...schema }
}
