import { parseAddress, parseCidr } from '../addresses.ts'

const label = '[a-zA-Z0-9](?:[-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?'
const hostname = new RegExp(`^${label}(?:\\.${label})*\\.?$`)
const shortName = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/
const longName = /^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/
const uuid = (version: string) => new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$`, 'i')
const dateTime = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/

/** Formats of strings that are checked (kube-openapi's strfmt); a format that is not here says nothing, as upstream. */
const formats: Readonly<Record<string, (text: string) => boolean>> = {
  bsonobjectid: (text) => /^[0-9a-f]{24}$/i.test(text),
  byte: (text) => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text),
  cidr: (text) => parseCidr(text) !== undefined,
  date: isDate,
  'date-time': isDateTime,
  datetime: isDateTime,
  duration: (text) =>
    /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)\s*(?:ns|nanos?|[uµμ]s|micros?|ms|millis?|s|secs?|m|mins?|h|hours?|hrs?|d|days?|w|weeks?|wks?)(?:(?:\d+(?:\.\d*)?|\.\d+)\s*(?:ns|[uµμ]s|ms|s|m|h|d|w))*$|^[-+]?0$/i.test(
      text,
    ),
  email: (text) => /^[^\s@<>()[\],;:"\\]+@[A-Za-z0-9](?:[-.A-Za-z0-9]*[A-Za-z0-9])?$/.test(text),
  hexcolor: (text) => /^#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/.test(text),
  hostname: (text) => text.length <= 255 && hostname.test(text),
  ipv4: (text) => parseAddress(text)?.family === 'IPv4',
  ipv6: (text) => parseAddress(text)?.family === 'IPv6',
  mac: (text) =>
    /^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}(?:(?:[:-][0-9a-f]{2}){2})?$/i.test(text) || /^(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}$/i.test(text),
  rgbcolor: (text) => /^rgb\(\s*\d{1,3}\s*,\s*\d{1,3}\s*,\s*\d{1,3}\s*\)$/.test(text),
  uri: isUri,
  uuid: (text) => uuid('[0-9a-f]').test(text),
  uuid3: (text) => uuid('3').test(text),
  uuid4: (text) => uuid('4').test(text),
  uuid5: (text) => uuid('5').test(text),
  'k8s-short-name': (text) => shortName.test(text),
  'k8s-long-name': (text) => longName.test(text),
}

/** Whether a text is of a format; true for formats that nobody checks. */
export function isOfFormat(format: string, text: string): boolean {
  return !Object.hasOwn(formats, format) || formats[format]!(text)
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  const date = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}

function isDateTime(text: string): boolean {
  const [, date = '', hours, minutes, seconds] = dateTime.exec(text) ?? []
  return isDate(date) && Number(hours) < 24 && Number(minutes) < 60 && Number(seconds) < 60
}

/** As Go's url.ParseRequestURI: absolute, or a path from the root. */
function isUri(text: string): boolean {
  if (/[\s\u0000-\u001f\u007f]/.test(text)) return false
  return text.startsWith('/') || /^[A-Za-z][A-Za-z0-9+.-]*:\S*$/.test(text)
}
