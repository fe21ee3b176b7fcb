/**
 * The syntax of names, labels, ports and keys, with the sentences of apimachinery's util/validation. Every check returns the sentences
 * of what is wrong; none means valid.
 */
const qualifiedName = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const qualifiedNameSentence =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
const dnsLabel = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const dnsLabelSentence =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"
const dnsSubdomain = `${dnsLabel}(\\.${dnsLabel})*`
const dnsSubdomainSentence =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
const looseLabel = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?'
const looseSubdomain = `${looseLabel}(\\.${looseLabel})*`
const looseSubdomainSentence =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character"
const dns1035Label = '[a-z]([-a-z0-9]*[a-z0-9])?'
const dns1035Sentence =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character"
const wildcardSubdomain = `\\*\\.${dnsSubdomain}`
const wildcardSentence =
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
const labelValue = `(${qualifiedName})?`
const labelValueSentence =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
const configKey = '[-._a-zA-Z0-9]+'
const configKeySentence = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
const headerName = '[-A-Za-z0-9]+'
const percent = '[0-9]+%'
const httpPath = `[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+`

/** Matches `pattern` from end to end. Its groups do not capture: every write matches a name or more, and nobody asks which part. */
const whole = (pattern: string) => new RegExp(`^${pattern.replaceAll('(', '(?:')}$`)
const patterns = {
  qualifiedName: whole(qualifiedName),
  dnsLabel: whole(dnsLabel),
  dnsSubdomain: whole(dnsSubdomain),
  looseSubdomain: whole(looseSubdomain),
  dns1035Label: whole(dns1035Label),
  wildcardSubdomain: whole(wildcardSubdomain),
  labelValue: whole(labelValue),
  configKey: whole(configKey),
  headerName: whole(headerName),
  percent: whole(percent),
  httpPath: new RegExp(`^${httpPath}$`),
}

export function maxLength(limit: number): string {
  return `must be no more than ${limit} characters`
}

export function rangeSentence(low: number, high: number): string {
  return `must be between ${low} and ${high}, inclusive`
}

function pattern(sentence: string, format: string, ...examples: string[]): string {
  if (!examples.length) return `${sentence} (regex used for validation is '${format}')`
  return `${sentence} (e.g. ${examples.map((example) => `'${example}', `).join(' or ')}regex used for validation is '${format}')`
}

export function isQualifiedName(value: string): string[] {
  const parts = value.split('/')
  const sentence = pattern(qualifiedNameSentence, qualifiedName, 'MyName', 'my.name', '123-abc')
  if (parts.length > 2) {
    return [`a qualified name ${sentence} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`]
  }
  const name = parts.at(-1)!
  const sentences: string[] = []
  if (parts.length === 2) {
    if (!parts[0]) sentences.push('prefix part must be non-empty')
    else sentences.push(...isDns1123Subdomain(parts[0]).map((one) => `prefix part ${one}`))
  }
  if (!name) sentences.push('name part must be non-empty')
  else if (name.length > 63) sentences.push(`name part ${maxLength(63)}`)
  if (!patterns.qualifiedName.test(name)) sentences.push(`name part ${sentence}`)
  return sentences
}

export function isValidLabelValue(value: string): string[] {
  const sentences: string[] = []
  if (value.length > 63) sentences.push(maxLength(63))
  if (!patterns.labelValue.test(value)) sentences.push(pattern(labelValueSentence, labelValue, 'MyValue', 'my_value', '12345'))
  return sentences
}

export function isDns1123Label(value: string): string[] {
  const sentences: string[] = []
  if (value.length > 63) sentences.push(maxLength(63))
  if (!patterns.dnsLabel.test(value)) {
    sentences.push(patterns.dnsSubdomain.test(value) ? 'must not contain dots' : pattern(dnsLabelSentence, dnsLabel, 'my-name', '123-abc'))
  }
  return sentences
}

export function isDns1123Subdomain(value: string): string[] {
  const sentences: string[] = []
  if (value.length > 253) sentences.push(maxLength(253))
  if (!patterns.dnsSubdomain.test(value)) sentences.push(pattern(dnsSubdomainSentence, dnsSubdomain, 'example.com'))
  return sentences
}

/** What a pod's `dnsConfig.searches` may hold. */
export function isDns1123SubdomainWithUnderscore(value: string): string[] {
  const sentences: string[] = []
  if (value.length > 253) sentences.push(maxLength(253))
  if (!patterns.looseSubdomain.test(value)) sentences.push(pattern(looseSubdomainSentence, looseSubdomain, 'example.com'))
  return sentences
}

export function isDns1035Label(value: string): string[] {
  const sentences: string[] = []
  if (value.length > 63) sentences.push(maxLength(63))
  if (!patterns.dns1035Label.test(value)) sentences.push(pattern(dns1035Sentence, dns1035Label, 'my-name', 'abc-123'))
  return sentences
}

export function isWildcardDns1123Subdomain(value: string): string[] {
  const sentences: string[] = []
  if (value.length > 253) sentences.push(maxLength(253))
  if (!patterns.wildcardSubdomain.test(value)) sentences.push(pattern(wildcardSentence, wildcardSubdomain, '*.example.com'))
  return sentences
}

export function isFullyQualifiedDomainName(value: string): string[] {
  const name = value.endsWith('.') ? value.slice(0, -1) : value
  const sentences = isDns1123Subdomain(name)
  if (sentences.length) return [sentences.join(',')]
  if (name.split('.').length < 2) return ['should be a domain with at least two segments separated by dots']
  return []
}

export function isValidPortNumber(port: number): string[] {
  return Number.isInteger(port) && port >= 1 && port <= 65535 ? [] : [rangeSentence(1, 65535)]
}

/** The name of a container port (IANA service name). */
export function isValidPortName(name: string): string[] {
  const sentences: string[] = []
  if (name.length > 15) sentences.push(maxLength(15))
  if (!/^[-a-z0-9]+$/.test(name)) sentences.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)')
  if (!/[a-z]/.test(name)) sentences.push('must contain at least one letter (a-z)')
  if (name.includes('--')) sentences.push('must not contain consecutive hyphens')
  if (name.startsWith('-') || name.endsWith('-')) sentences.push('must not begin or end with a hyphen')
  return sentences
}

export function isValidPercent(value: string): string[] {
  if (patterns.percent.test(value)) return []
  return [pattern("a valid percent string must be a numeric string followed by an ending '%'", percent, '1%', '93%')]
}

export function isHttpHeaderName(name: string): string[] {
  if (patterns.headerName.test(name)) return []
  return [pattern("a valid HTTP header must consist of alphanumeric characters or '-'", headerName, 'X-Header-Name')]
}

/** Relaxed since 1.30: anything printable in ASCII but `=`. */
export function isEnvironmentVariableName(name: string): string[] {
  if (!name) return ['environment variable name must be non-empty']
  if (/^[ -<>-~]+$/.test(name)) return []
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
}

export function isConfigMapKey(key: string): string[] {
  const sentences: string[] = []
  if (key.length > 253) sentences.push(maxLength(253))
  if (!patterns.configKey.test(key)) sentences.push(pattern(configKeySentence, configKey, 'key.name', 'KEY_NAME', 'key-name'))
  if (key === '.') sentences.push("must not be '.'")
  else if (key === '..') sentences.push("must not be '..'")
  else if (key.startsWith('..')) sentences.push("must not start with '..'")
  return sentences
}

/** What may stand in a URL's path: names of roles and bindings. */
export function isPathSegmentName(name: string): string[] {
  if (name === '.' || name === '..') return [`may not be '${name}'`]
  return ['/', '%'].filter((character) => name.includes(character)).map((character) => `may not contain '${character}'`)
}

/** `example.com/ingress-controller`: sentences with the part that they blame. */
export function isDomainPrefixedPath(value: string): { value: string; sentence: string }[] {
  const slash = value.indexOf('/')
  const host = value.slice(0, slash)
  const path = value.slice(slash + 1)
  if (slash < 1 || !path) return [{ value, sentence: 'must be a domain-prefixed path (such as "acme.io/foo")' }]
  const problems = isDns1123Subdomain(host).map((sentence) => ({ value: host, sentence }))
  if (!patterns.httpPath.test(path)) problems.push({ value: path, sentence: pattern('Invalid path', httpPath) })
  return problems
}
