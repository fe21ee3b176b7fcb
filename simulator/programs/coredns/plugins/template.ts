import { goPattern } from '../../../go-pattern.ts'
import { rcodes } from '../../../network/dns-codes.ts'
import type { Rcode, ResourceRecord } from '../../../network/dns-message.ts'
import { parseRecord, RecordTextError } from '../../../network/record-text.ts'
import { argumentError, CorefileError, type Directive, parsingError } from '../corefile.ts'
import { goTemplate, type TemplateData, TemplateError } from '../go-template.ts'
import type { Plugin, Setup } from '../plugin.ts'
import { type Answer, canonical, isBelow, type Query, renamed, servfail } from '../query.ts'

type Section = 'answer' | 'additional' | 'authority'

interface Template {
  readonly className: string
  readonly type: string
  readonly zones: readonly string[]
  readonly patterns: readonly RegExp[]
  readonly records: Readonly<Record<Section, readonly ((data: TemplateData) => string)[]>>
  readonly rcode: Rcode
  /** Zones in which a name that no pattern fits goes on; undefined: none. */
  readonly fallthrough: readonly string[] | undefined
}

/** Without an error to log. */
const failed: Answer = { rcode: 'SERVFAIL', authoritative: false, answers: [], authorities: [] }

/**
 * Answers made from templates: `template IN A example.org { match … answer "{{ .Name }} 60 IN A 10.0.0.1" }`. Several of a server are tried
 * in their order. Follows coredns's plugin/template.
 */
export const template: Plugin = (setup) => {
  if (setup.siblings[0] !== setup.directive) return undefined
  const templates = setup.siblings.map((directive) => read({ ...setup, directive }))
  return (next) => (query, reply) => {
    for (const one of templates) {
      const match = matching(one, query)
      if (match === 'no') continue
      if (match === 'unanswered') return reply(failed)
      return answer(setup, one, query, match, reply)
    }
    next(query, reply)
  }
}

function matching(template: Template, query: Query): TemplateData | 'no' | 'unanswered' {
  const zone = template.zones.filter((candidate) => isBelow(query.name, candidate)).sort((a, b) => b.length - a.length)[0]
  if (zone === undefined) return 'no'
  const className = query.message.questions[0]?.class ?? 'IN'
  if (template.className !== 'ANY' && className !== 'ANY' && className !== template.className) return 'no'
  if (template.type !== 'ANY' && query.type !== 'ANY' && query.type !== template.type) return 'no'
  for (const pattern of template.patterns) {
    const match = pattern.exec(query.name)
    if (!match) continue
    return {
      Zone: zone,
      Name: query.name,
      Regex: pattern.source,
      Match: match.map((group) => group ?? ''),
      Group: { ...Object.fromEntries(match.map((group, index) => [String(index), group ?? ''])), ...match.groups },
      Class: className,
      Type: query.type === 'ANY' ? template.type : query.type,
      Remote: query.remote.address,
      Question: { Name: query.name },
    }
  }
  return template.fallthrough?.some((through) => isBelow(query.name, through)) ? 'no' : 'unanswered'
}

function answer({ server }: Setup, template: Template, query: Query, data: TemplateData, reply: (answer: Answer) => void): void {
  const records = (section: Section) => template.records[section].map((made) => parseRecord(made(data)))
  if (template.rcode === 'SERVFAIL') return reply(failed)
  let result: Answer & { answers: readonly ResourceRecord[] }
  try {
    result = {
      rcode: template.rcode,
      authoritative: true,
      answers: records('answer'),
      authorities: records('authority'),
      additionals: records('additional'),
    }
  } catch (error) {
    if (!(error instanceof RecordTextError || error instanceof TemplateError)) throw error
    return reply(servfail(error.message))
  }
  const alias = result.answers.find(({ type }) => type === 'CNAME')
  if (alias?.type !== 'CNAME' || (query.type !== 'A' && query.type !== 'AAAA')) return reply(result)
  // The target of an alias is asked of this very server.
  server.serve(renamed(query, canonical(alias.data)), (target) =>
    reply({ ...result, answers: [...result.answers, ...target.answers], ...(target.truncated && { truncated: true }) }),
  )
}

function read({ directive, file, zones }: Setup): Template {
  const [className, type, ...own] = directive.args
  if (className === undefined || type === undefined) throw argumentError(file, directive)
  if (!/^(IN|CH|HS|NONE|ANY)$/.test(className)) throw parsingError(file, directive.line, `invalid query class ${className}`)
  if (!/^(A|AAAA|NS|CNAME|SOA|PTR|HINFO|MX|TXT|SRV|ANY|CAA|DNSKEY|DS|NAPTR|SVCB|HTTPS|TLSA)$/.test(type))
    throw parsingError(file, directive.line, `invalid RR class ${type}`)
  const patterns: RegExp[] = []
  const records: Record<Section, ((data: TemplateData) => string)[]> = { answer: [], additional: [], authority: [] }
  let rcode: Rcode = 'NOERROR'
  let fallthrough: string[] | undefined
  for (const option of directive.block) {
    const needed = () => {
      if (option.args.length === 0) throw argumentError(file, option)
      return option.args
    }
    switch (option.name) {
      case 'match':
        for (const text of needed()) {
          const pattern = goPattern(text)
          if (!pattern) throw parsingError(file, option.line, `could not parse regex: ${text}, error parsing regexp`)
          patterns.push(pattern)
        }
        break
      case 'answer':
      case 'additional':
      case 'authority':
        for (const text of needed()) records[option.name].push(compiled(text, option, file))
        break
      case 'rcode': {
        const code = needed()[0]!
        if (!rcodes.includes(code)) throw parsingError(file, option.line, `unknown rcode ${code}`)
        rcode = code as Rcode
        break
      }
      case 'fallthrough':
        fallthrough = option.args.length ? option.args.map(canonical) : ['.']
        break
      case 'upstream':
        break
      case 'ederror':
        throw new CorefileError("the simulated cluster does not model the option 'ederror'")
      default:
        throw argumentError(file, option)
    }
  }
  return {
    className,
    type,
    zones: own.length ? own.map(canonical) : zones,
    patterns: patterns.length ? patterns : [/.*/],
    records,
    rcode,
    fallthrough,
  }
}

function compiled(text: string, option: Directive, file: string): (data: TemplateData) => string {
  try {
    return goTemplate(text)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    throw parsingError(file, option.line, `could not compile template: ${text}, ${error.message}`)
  }
}
