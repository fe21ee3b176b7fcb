import type { Schema } from '../../../resources/schema/schema.ts'

/** A kind of our own with a bit of everything that definitions can say. */
export const widgetSchema: Schema = {
  type: 'object',
  description: 'A widget is a made-up thing with parts.',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      description: 'What the widget is to be.',
      required: ['replicas'],
      properties: {
        replicas: { type: 'integer', format: 'int32', minimum: 0, maximum: 10, description: 'How many of them.' },
        colour: { type: 'string', enum: ['red', 'green', 'blue'], default: 'red', description: 'Its colour.' },
        size: { type: 'object', properties: { width: { type: 'integer', default: 3 }, unit: { type: 'string', default: 'mm' } } },
        port: { 'x-kubernetes-int-or-string': true },
        serial: { type: 'string', pattern: '^[A-Z]{2}[0-9]+$', minLength: 3, maxLength: 6 },
        contact: { type: 'string', format: 'email' },
        tags: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set', maxItems: 3 },
        parts: {
          type: 'array',
          minItems: 1,
          items: {
            type: 'object',
            required: ['name'],
            properties: {
              name: { type: 'string' },
              weight: { type: 'number', multipleOf: 0.5 },
              kind: { type: 'string', default: 'plain' },
            },
          },
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
        },
        settings: { type: 'object', additionalProperties: { type: 'string' }, maxProperties: 3 },
        anything: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        template: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
        either: {
          type: 'object',
          properties: { left: { type: 'string' }, right: { type: 'string' } },
          oneOf: [{ required: ['left'] }, { required: ['right'] }],
        },
        note: { type: 'string', nullable: true },
        owner: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'owner is immutable' }] },
        least: { type: 'integer' },
      },
      'x-kubernetes-validations': [
        { rule: '!has(self.least) || self.least <= self.replicas', message: 'least must not be more than replicas' },
        {
          rule: 'self.replicas != 7',
          messageExpression: '"seven is not allowed, not even " + string(self.replicas)',
          fieldPath: '.replicas',
        },
      ],
    },
    status: {
      type: 'object',
      properties: { replicas: { type: 'integer' }, selector: { type: 'string' }, phase: { type: 'string' } },
    },
  },
}

const columns = [
  { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas', description: 'How many are wanted' },
  { name: 'Colour', type: 'string', jsonPath: '.spec.colour', priority: 1 },
  { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
]

export const widgetDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', shortNames: ['wd'], categories: ['all', 'toys'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: widgetSchema },
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' },
        },
        additionalPrinterColumns: columns,
        selectableFields: [{ jsonPath: '.spec.colour' }],
      },
      {
        name: 'v1beta1',
        served: true,
        storage: false,
        deprecated: true,
        schema: {
          openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } },
        },
      },
    ],
  },
}

export function widget(name: string, spec: Record<string, unknown> = {}, more: Record<string, unknown> = {}) {
  return {
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: { name, namespace: 'default' },
    spec: { replicas: 1, ...spec },
    ...more,
  }
}

/** A definition with one version of no particular shape. */
export function looseDefinition(plural: string, kind: string, more: Record<string, unknown> = {}) {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.example.com` },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural, kind },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
      ...more,
    },
  }
}
