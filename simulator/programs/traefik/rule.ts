/** Whether a router is for a request: its host without the port, in small letters, and its path. */
export type Matcher = (host: string, path: string) => boolean

/** The rule of one path of an Ingress in Traefik's language, and what it does (loadRouter, buildRule). */
export function ruleOf(
  host: string,
  path: string,
  pathType: string,
  { strictPrefixes, pathMatcher }: { readonly strictPrefixes: boolean; readonly pathMatcher: string },
): { readonly rule: string; readonly matches: Matcher } {
  const parts: { rule: string; matches: Matcher }[] = []
  if (host !== '') parts.push(hostRule(host))
  if (path !== '') {
    const matcher = pathType === 'Exact' ? 'Path' : pathType === 'ImplementationSpecific' ? pathMatcher : 'PathPrefix'
    parts.push(pathRule(matcher, path, strictPrefixes))
  }
  return {
    rule: parts.map(({ rule }) => rule).join(' && '),
    matches: (asked, wanted) => parts.every(({ matches }) => matches(asked, wanted)),
  }
}

function hostRule(host: string): { rule: string; matches: Matcher } {
  if (!host.startsWith('*.')) return { rule: `Host(\`${host}\`)`, matches: (asked) => asked === host.toLowerCase() }
  const pattern = `^[a-zA-Z0-9-]+\\.${host.slice(2).replaceAll('.', '\\.')}$`
  const expression = new RegExp(pattern, 'i')
  return { rule: `HostRegexp(\`${pattern}\`)`, matches: (asked) => expression.test(asked) }
}

function pathRule(matcher: string, path: string, strict: boolean): { rule: string; matches: Matcher } {
  if (matcher === 'Path') return { rule: `Path(\`${path}\`)`, matches: (_, wanted) => wanted === path }
  if (matcher === 'PathRegexp') {
    const expression = new RegExp(path)
    return { rule: `PathRegexp(\`${path}\`)`, matches: (_, wanted) => expression.test(wanted) }
  }
  if (!strict || path === '/') return { rule: `PathPrefix(\`${path}\`)`, matches: (_, wanted) => wanted.startsWith(path) }
  const whole = path.replace(/\/$/, '')
  return {
    rule: `(Path(\`${whole}\`) || PathPrefix(\`${whole}/\`))`,
    matches: (_, wanted) => wanted === whole || wanted.startsWith(`${whole}/`),
  }
}
