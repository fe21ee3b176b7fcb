import type { ResourceRecord } from '../../network/dns-message.ts'

/** A record's data in master-file form. */
export function recordData(record: ResourceRecord): string {
  switch (record.type) {
    case 'MX':
      return `${record.data.preference} ${record.data.exchange}`
    case 'SRV': {
      const { priority, weight, port, target } = record.data
      return `${priority} ${weight} ${port} ${target}`
    }
    case 'TXT':
      return record.data.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`).join(' ')
    case 'SOA': {
      const { mname, rname, serial, refresh, retry, expire, minimum } = record.data
      return `${mname} ${rname} ${serial} ${refresh} ${retry} ${expire} ${minimum}`
    }
    case 'OTHER':
      return `\\# ${record.data.length} ${[...record.data].map((octet) => octet.toString(16).padStart(2, '0').toUpperCase()).join('')}`
    default:
      return record.data
  }
}

export function recordType(record: ResourceRecord): string {
  return record.type === 'OTHER' ? `TYPE${record.code}` : record.type
}

export function withoutDot(name: string): string {
  return name.length > 1 ? name.replace(/\.$/, '') : name
}

/** nslookup's way of saying a record, of BIND and of busybox alike. */
export function nslookupRecord(record: ResourceRecord): string[] {
  const name = withoutDot(record.name)
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return [`Name:\t${name}`, `Address: ${record.data}`]
    case 'CNAME':
      return [`${name}\tcanonical name = ${record.data}`]
    case 'NS':
      return [`${name}\tnameserver = ${record.data}`]
    case 'PTR':
      return [`${name}\tname = ${record.data}`]
    case 'MX':
      return [`${name}\tmail exchanger = ${record.data.preference} ${record.data.exchange}`]
    case 'SRV': {
      const { priority, weight, port, target } = record.data
      return [`${name}\tservice = ${priority} ${weight} ${port} ${target}`]
    }
    case 'TXT':
      return [`${name}\ttext = ${recordData(record)}`]
    case 'SOA': {
      const { mname, rname, serial, refresh, retry, expire, minimum } = record.data
      const fields = { origin: mname, 'mail addr': rname, serial, refresh, retry, expire, minimum }
      return [name, ...Object.entries(fields).map(([key, value]) => `\t${key} = ${typeof value === 'string' ? withoutDot(value) : value}`)]
    }
    case 'OTHER':
      return [`${name}\trdata_${record.code} = ${recordData(record)}`]
  }
}
