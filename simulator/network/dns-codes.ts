const encoder = new TextEncoder()

export type Rcode = 'NOERROR' | 'FORMERR' | 'SERVFAIL' | 'NXDOMAIN' | 'NOTIMP' | 'REFUSED' | 'YXDOMAIN' | 'NOTAUTH' | 'BADVERS' | number

const typeCodes: Record<string, number> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  AXFR: 252,
  ANY: 255,
}
const typeNames = new Map(Object.entries(typeCodes).map(([name, code]) => [code, name]))
const classCodes: Record<string, number> = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 }
const classNames = new Map(Object.entries(classCodes).map(([name, code]) => [code, name]))
const rcodeCodes: Record<string, number> = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  NOTAUTH: 9,
  BADVERS: 16,
}
const rcodeNames = new Map(Object.entries(rcodeCodes).map(([name, code]) => [code, name as Rcode]))

/** Names of the codes that are known here. */
export const rcodes: readonly string[] = Object.keys(rcodeCodes)

export const rcodeName = (code: number): Rcode => rcodeNames.get(code) ?? code

/** The numeric code of a rcode, as `dig` and RFC 1035 have it. */
export function rcodeCode(rcode: Rcode | undefined): number {
  return typeof rcode === 'number' ? rcode : (rcodeCodes[rcode ?? 'NOERROR'] as number)
}

/** The labels of a name in master-file form, as octets. Throws where one is empty or longer than 63. */
export function splitName(name: string): number[][] {
  const labels: number[][] = []
  let label: number[] = []
  if (name === '' || name === '.') return labels
  const push = () => {
    if (label.length === 0) throw new Error(`domain name "${name}" has an empty label`)
    if (label.length > 63) throw new Error(`a label of domain name "${name}" is longer than 63 octets`)
    labels.push(label)
    label = []
  }
  for (let i = 0; i < name.length; i++) {
    const character = name[i]!
    if (character === '.') push()
    else if (character === '\\') {
      const digits = /^\d{3}/.exec(name.slice(i + 1))?.[0]
      if (digits !== undefined) {
        if (Number(digits) > 255) throw new Error(`domain name "${name}" has the escape \\${digits}, above 255`)
        label.push(Number(digits))
        i += 3
      } else label.push(...encoder.encode(name[++i] ?? '\\'))
    } else label.push(...encoder.encode(character))
  }
  if (label.length > 0) push()
  return labels
}

export function escapeOctet(octet: number): string {
  const character = String.fromCharCode(octet)
  if (character === '.' || character === '\\') return `\\${character}`
  return octet > 32 && octet < 127 ? character : `\\${octet.toString().padStart(3, '0')}`
}

export function typeCode(type: string): number {
  const code = typeCodes[type] ?? (/^TYPE\d+$/.test(type) ? Number(type.slice(4)) : undefined)
  if (code === undefined) throw new Error(`"${type}" is not a DNS record type (allowed: ${Object.keys(typeCodes).join(', ')}, TYPEn)`)
  return code
}

export const typeName = (code: number) => typeNames.get(code) ?? `TYPE${code}`

export function classCode(name: string | undefined): number {
  if (name === undefined) return 1
  const code = classCodes[name] ?? (/^CLASS\d+$/.test(name) ? Number(name.slice(5)) : undefined)
  if (code === undefined) throw new Error(`"${name}" is not a DNS class (allowed: ${Object.keys(classCodes).join(', ')}, CLASSn)`)
  return code
}

export const className = (code: number) => classNames.get(code) ?? `CLASS${code}`
