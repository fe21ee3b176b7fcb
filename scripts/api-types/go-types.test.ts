import { expect, test } from 'vitest'
import { goTypes } from './go-types.ts'
import { messageTable } from './table.ts'

const source = `
package v1

// Port is where somebody listens.
type Port struct {
	// +default="TCP"
	Protocol Protocol \`json:"protocol,omitempty" protobuf:"bytes,4,opt,name=protocol,casttype=Protocol"\`
	Number   int32    \`json:"number" protobuf:"varint,3,opt,name=number"\` // said twice
	/* not { a field } */
}

type Protocol string
type Amounts map[ResourceName]resource.Quantity

// +structType=atomic
type Reference struct {
	Name string \`json:"name,omitempty" protobuf:"bytes,1,opt,name=name"\`
}

type Thing struct {
	metav1.TypeMeta \`json:",inline"\`
	// +listType=map
	// +listMapKey=number
	// +listMapKey=protocol
	Ports  []Port \`json:"ports,omitempty" patchStrategy:"merge" patchMergeKey:"number" protobuf:"bytes,1,rep,name=ports"\`
	Limits Amounts \`json:"limits,omitempty" protobuf:"bytes,2,rep,name=limits"\`
	Ref    *Reference \`json:"ref,omitempty" protobuf:"bytes,3,opt,name=ref"\`
	Since  metav1.Time \`json:"since,omitempty" protobuf:"bytes,5,opt,name=since"\`
	// +listType=set
	Names  []string \`json:"names" protobuf:"bytes,6,rep,name=names"\`
	Port   \`json:",inline" protobuf:"bytes,7,opt,name=port"\`
	hidden string
}
`

test('a table of messages is read from Go types: numbers, shapes, names, inlined structs, how lists and objects merge', () => {
  const packages = new Map([['core', goTypes(source)]])
  expect(Object.fromEntries(messageTable(packages, ['core.Thing']))).toEqual({
    'core.Port': '4:protocol:s|default=TCP 3:number:i!',
    'core.Reference': '1:name:s',
    'core.Thing':
      '1:ports:[]core.Port|merge=number,keys=number+protocol 2:limits:{}Q 3:ref:core.Reference!|atomic 5:since:T 6:names:[]s!|set 7:.:core.Port!',
  })
})

test('a type that the sources lack is named', () => {
  const packages = new Map([['core', goTypes('type A struct {\n\tB other.B `json:"b" protobuf:"bytes,1,opt,name=b"`\n}\n')]])
  expect(() => messageTable(packages, ['core.A'])).toThrow('other.B of core is not in the sources')
})
