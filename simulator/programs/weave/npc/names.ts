import { sha1 } from '@noble/hashes/legacy.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { LabelSelector } from 'kubernetes-types/meta/v1'

const symbols = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789(){}[]+=_$%^!*|/?.;:@#~'

/** The name of an ipset: `weave-` and SHA-1 in the 87 characters that ipset, XML and shells can bear (weave 2.8's npc/shortname.go). */
export function setName(text: string): string {
  let number = BigInt(`0x${bytesToHex(sha1(utf8ToBytes(text)))}`)
  const base = BigInt(symbols.length)
  let name = ''
  for (; number > 0n; number /= base) name += symbols[Number(number % base)]
  return `weave-${name}`
}

/** A selector as apimachinery prints it: `app=web,tier in (a,b),!old`, in the order of the keys. */
export function selectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const parts: [string, string][] = Object.entries(matchLabels).map(([key, value]) => [key, `${key}=${value}`])
  for (const { key, operator, values = [] } of matchExpressions) {
    const list = [...values].sort().join(',')
    if (operator === 'In') parts.push([key, `${key} in (${list})`])
    else if (operator === 'NotIn') parts.push([key, `${key} notin (${list})`])
    else parts.push([key, operator === 'Exists' ? key : `!${key}`])
  }
  return parts
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, text]) => text)
    .join(',')
}
