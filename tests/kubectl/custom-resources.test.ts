import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { looseDefinition, widget, widgetDefinition } from '../../simulator/apiserver/extensions/testing/widgets.ts'
import { kubectlVersions } from '../real-kubectl.ts'
import { kubectlSession } from './session.ts'

const json = JSON.stringify
const unchecked =
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation'
const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner' }
const role = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: { name: 'widget-reader', namespace: 'default' },
  rules: [{ apiGroups: ['example.com'], resources: ['widgets'], verbs: ['get', 'list'] }],
}
const quota = {
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'few', namespace: 'shop' },
  spec: { hard: { 'count/widgets.example.com': '1' } },
}
const ofShop = (name: string) => widget(name, {}, { metadata: { name, namespace: 'shop' } })

/** Steps of one story: a kind is made, used, and taken away. `out` is a pattern or the whole of it. */
const story: readonly { line: string; input?: unknown; out?: RegExp | string; err?: RegExp | string; code?: number }[] = [
  {
    line: 'apply -f -',
    input: widget('early'),
    code: 1,
    err: `error: resource mapping not found for name: "early" namespace: "default" from "STDIN": no matches for kind "Widget" in version "example.com/v1"\nensure CRDs are installed first\n`,
  },
  { line: 'apply -f -', input: widgetDefinition, out: 'customresourcedefinition.apiextensions.k8s.io/widgets.example.com created\n' },
  { line: 'wait --for=condition=established crd/widgets.example.com --timeout=5s', out: /condition met/ },
  { line: 'apply -f -', input: widgetDefinition, out: /widgets\.example\.com unchanged/ },
  { line: 'get crd', out: /^NAME +CREATED AT\nwidgets\.example\.com +\d{4}-\d\d-\d\dT/ },
  { line: 'api-resources --api-group=example.com', out: /^widgets +wd +example\.com\/v1 +true +Widget$/m },
  { line: 'apply -f -', input: widget('a', { parts: [{ name: 'x' }] }), out: 'widget.example.com/a created\n' },
  // A list that got defaults differs from the file, so that kubectl sends it again; the server then changes nothing.
  { line: 'apply -f -', input: widget('a', { parts: [{ name: 'x' }] }), out: 'widget.example.com/a configured\n' },
  { line: 'get widget a -o jsonpath={.metadata.generation}', out: '1' },
  { line: 'apply -f -', input: widget('plain'), out: 'widget.example.com/plain created\n' },
  { line: 'apply -f -', input: widget('plain'), out: 'widget.example.com/plain unchanged\n' },
  { line: 'delete widget plain', out: /deleted/ },
  { line: 'apply -f -', input: widget('a', { replicas: 2, parts: [{ name: 'x' }] }), out: 'widget.example.com/a configured\n' },
  { line: 'get wd', out: /^NAME +REPLICAS +PHASE +AGE\na +2 +\d+s\n$/ },
  { line: 'get widgets -o wide', out: /^NAME +REPLICAS +COLOUR +PHASE +AGE\na +2 +red +\d+s\n$/ },
  { line: 'get toys -o name', out: 'widget.example.com/a\n' },
  { line: 'get widgets.v1beta1.example.com', out: /^NAME +AGE\na /, err: 'Warning: example.com/v1beta1 Widget is deprecated\n' },
  { line: 'get widget a -o jsonpath={.spec.parts[0].kind}', out: 'plain' },
  { line: 'describe widget a', out: /Kind: +Widget[\s\S]*Generation: +2[\s\S]*Parts:\n +Kind: +plain/ },
  { line: 'explain widget.spec.replicas', out: /FIELD: replicas <integer>[\s\S]*How many of them\./ },
  { line: 'explain widget --recursive', out: /\n {4}settings\t<map\[string\]string>/ },
  {
    line: 'apply -f -',
    input: widget('b', { nosuch: 1 }),
    code: 1,
    err: 'Error from server (BadRequest): error when creating "STDIN": Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.nosuch"\n',
  },
  { line: 'apply --validate=warn -f -', input: widget('b', { nosuch: 1 }), err: 'Warning: unknown field "spec.nosuch"\n' },
  {
    line: 'create -f -',
    input: widget('c', { colour: 'pink' }),
    code: 1,
    err: `The Widget "c" is invalid: \n* spec.colour: Unsupported value: "pink": supported values: "red", "green", "blue"\n* <nil>: Invalid value: null: ${unchecked}\n`,
  },
  {
    line: 'create -f -',
    input: widget('c', { least: 3 }),
    code: 1,
    err: 'The Widget "c" is invalid: spec: Invalid value: "object": least must not be more than replicas\n',
  },
  { line: 'scale widget a --replicas=4', out: 'widget.example.com/a scaled\n' },
  { line: 'get widget a -o jsonpath={.spec.replicas}', out: '4' },
  { line: 'patch widget a --type=merge -p {"spec":{"colour":"blue"}}', out: 'widget.example.com/a patched\n' },
  {
    line: 'patch widget a -p {"spec":{"colour":"blue"}}',
    code: 1,
    err: /application\/strategic-merge-patch\+json is not supported by example\.com\/v1, Kind=Widget/,
  },
  { line: 'patch widget a --subresource=status --type=merge -p {"status":{"phase":"Ready"},"spec":{"replicas":9}}', out: /patched/ },
  { line: 'wait --for=jsonpath={.status.phase}=Ready widget/a --timeout=5s', out: /condition met/ },
  { line: 'get widget a -o jsonpath={.spec.replicas}', out: '4' },
  { line: 'get widget --field-selector spec.colour=blue -o name', out: 'widget.example.com/a\n' },
  { line: 'apply --server-side -f -', input: widget('s', { tags: ['q'] }), out: 'widget.example.com/s serverside-applied\n' },
  { line: 'apply --server-side -f -', input: widget('s', { nosuch: 1 }), code: 1, err: /\.spec\.nosuch: field not declared in schema/ },
  { line: 'apply -f -', input: role, out: /created/ },
  { line: 'create rolebinding readers --role=widget-reader --user=ann', out: /created/ },
  { line: 'get widgets -o name --as=ann', out: /widget\.example\.com\/a\n/ },
  {
    line: 'delete widget a --as=ann',
    code: 1,
    err: /widgets\.example\.com "a" is forbidden: User "ann" cannot delete resource "widgets" in API group "example\.com" in the namespace "default"/,
  },
  { line: 'create namespace shop', out: /created/ },
  { line: 'apply -f -', input: quota, out: /created/ },
  { line: 'apply -f -', input: ofShop('first'), out: /created/ },
  { line: 'apply -f -', input: ofShop('second'), code: 1, err: /exceeded quota: few, requested: count\/widgets\.example\.com=1/ },
  { line: 'describe quota few -n shop', out: /count\/widgets\.example\.com +1 +1/ },
  { line: 'delete ns shop --timeout=10s', out: /namespace "shop" deleted/ },
  { line: 'create configmap owner', out: /created/ },
  { line: 'delete widget a', out: /widget\.example\.com "a" deleted/ },
  {
    line: 'apply -f -',
    input: looseDefinition('gadgets', 'Gadget', { names: { plural: 'gadgets', kind: 'Gadget', shortNames: ['wd'] } }),
    out: /created/,
  },
  { line: 'get crd gadgets.example.com -o jsonpath={.status.conditions[0].message}', out: '"wd" is already in use' },
  { line: 'delete crd widgets.example.com --timeout=10s', out: /"widgets\.example\.com" deleted/ },
  { line: 'wait --for=condition=established crd/gadgets.example.com --timeout=5s', out: /condition met/ },
  { line: 'get crd -o name', out: 'customresourcedefinition.apiextensions.k8s.io/gadgets.example.com\n' },
  { line: 'get --raw /apis/example.com/v1/widgets', code: 1, err: /NotFound|could not find the requested resource/ },
  { line: 'delete crd gadgets.example.com', out: /deleted/ },
  { line: 'apply -f -', input: widgetDefinition, out: /created/ },
  { line: 'wait --for=condition=established crd/widgets.example.com --timeout=5s', out: /condition met/ },
  { line: 'get widgets', out: '', err: /No resources found in default namespace/ },
]

describe.each(kubectlVersions)('kubectl %s and custom resources', (version) => {
  let session: Awaited<ReturnType<typeof kubectlSession>>
  beforeAll(async () => {
    session = await kubectlSession(version)
  })
  afterAll(async () => {
    expect(session.defects).toEqual([])
    await session.close()
  })

  it.each(story.map((step, index) => ({ ...step, index })))('$index $line', async ({ line, input, out, err, code = 0 }) => {
    const outcome = await session.kubectl(line, input === undefined ? {} : { input: json(input) })
    for (const [text, wanted] of [
      [outcome.out, out],
      [outcome.err, err],
    ] as const) {
      if (typeof wanted === 'string') expect(text).toBe(wanted)
      else if (wanted) expect(text).toMatch(wanted)
    }
    expect(outcome.code, outcome.err).toBe(code)
  })

  it('collects a custom resource with its owner, and what a custom resource owns with it', async () => {
    const uid = (await session.kubectl('get configmap owner -o jsonpath={.metadata.uid}')).out
    const owned = widget('owned', {}, { metadata: { name: 'owned', namespace: 'default', ownerReferences: [{ ...owner, uid }] } })
    expect((await session.kubectl('create -f -', { input: json(owned) })).code).toBe(0)
    expect((await session.kubectl('delete configmap owner')).code).toBe(0)
    expect((await session.kubectl('wait --for=delete widget/owned --timeout=5s')).code).toBe(0)
  })

  it('watches custom resources', async () => {
    const watch = session.kubectl('get widgets --watch --output-watch-events', { stopAfter: /DELETED/ })
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    await session.kubectl('create -f -', { input: json(widget('seen')) })
    await session.kubectl('delete widget seen')
    expect((await watch).out).toMatch(/^EVENT +NAME +REPLICAS +PHASE +AGE\nADDED +seen +1 +\d+s\nDELETED +seen/)
  })
})
