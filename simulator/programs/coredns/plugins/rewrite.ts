import { goPattern } from '../../../go-pattern.ts'
import { rcodes } from '../../../network/dns-codes.ts'
import type { Rcode, ResourceRecord } from '../../../network/dns-message.ts'
import { CorefileError } from '../corefile.ts'
import type { Plugin } from '../plugin.ts'
import { type Answer, canonical, type Query, renamed, servfail } from '../query.ts'

/** What becomes of the answer to a question that a rule changed. */
type Undo = (answer: Answer) => Answer

interface Rule {
  /** Further rules are tried after it. */
  readonly goesOn: boolean
  /** The question as it goes on, and how its answer is turned back; undefined: the rule does not match. */
  apply(query: Query): { readonly query: Query; readonly undo: Undo } | undefined
}

const same: Undo = (answer) => answer

/**
 * Changes questions and their answers: `rewrite [continue|stop] name|type|class|ttl|rcode …`. The first rule that matches decides unless it
 * continues; the client sees its own question again. Follows coredns's plugin/rewrite.
 */
export const rewrite: Plugin = ({ directive, siblings }) => {
  if (siblings[0] !== directive) return undefined
  const rules = siblings.map(({ args }) => ruleOf(args))
  return (next) => (query, reply) => {
    let changed = query
    const undos: Undo[] = []
    for (const rule of rules) {
      const applied = rule.apply(changed)
      if (!applied) continue
      changed = applied.query
      undos.unshift(applied.undo)
      if (changed.name.split('.').some((label) => label.length > 63) || changed.name.length > 254)
        return reply(servfail(`invalid name after rewrite: ${changed.name}`))
      if (!rule.goesOn) break
    }
    if (undos.length === 0) return next(query, reply)
    next(changed, (answer) => reply(undos.reduce((result, undo) => undo(result), answer)))
  }
}

function ruleOf(words: readonly string[]): Rule {
  const [first = '', ...others] = words
  const mode = first.toLowerCase()
  if (words.length === 0) throw new CorefileError('no rule type specified for rewrite')
  if (mode === 'continue' || mode === 'stop') {
    if (others.length === 0) throw new CorefileError(`${mode} rule must begin with a rule type`)
    return { ...typedRule(others[0]!.toLowerCase(), others.slice(1), first), goesOn: mode === 'continue' }
  }
  return { ...typedRule(mode, others, first), goesOn: false }
}

function typedRule(type: string, args: readonly string[], written: string): Pick<Rule, 'apply'> {
  switch (type) {
    case 'name':
      return nameRule(args)
    case 'type':
    case 'class':
      if (args.length !== 2) throw new CorefileError(`${type} rules must have exactly two arguments`)
      return fieldRule(type, args[0]!.toUpperCase(), args[1]!.toUpperCase())
    case 'ttl':
      return answerRule('ttl', args, (text) => {
        const [low, high] = text.split('-')
        const [least, most] = [low === '' ? 0 : Number(low), high === undefined ? Number(low) : high === '' ? 2 ** 31 - 1 : Number(high)]
        if (!Number.isInteger(least) || !Number.isInteger(most) || least > most)
          throw new CorefileError(`invalid TTL: ${text} for ttl rule`)
        const turned = (record: ResourceRecord) => ({ ...record, ttl: Math.min(most, Math.max(least, record.ttl)) })
        return (answer) => everyRecord(answer, turned)
      })
    case 'rcode':
      return rcodeRule(args)
    case 'answer':
      throw new CorefileError('response rewrites must begin with a name rule')
    case 'edns0':
    case 'cname':
      throw new CorefileError(`the simulated cluster does not model 'rewrite ${type}'`)
    default:
      throw new CorefileError(`invalid rule type "${written}"`)
  }
}

function fieldRule(field: 'type' | 'class', from: string, to: string): Pick<Rule, 'apply'> {
  return {
    apply(query) {
      const [question] = query.message.questions
      const now = field === 'type' ? query.type : (question?.class ?? 'IN')
      if (now !== from) return undefined
      const message = { ...query.message, questions: [{ ...question!, [field]: to }] }
      return { query: field === 'type' ? { ...query, type: to, message } : { ...query, message }, undo: same }
    },
  }
}

type Kind = 'exact' | 'prefix' | 'suffix' | 'substring' | 'regex'
const kinds: readonly string[] = ['exact', 'prefix', 'suffix', 'substring', 'regex']

/** A test of names, and what it makes of one that passes; undefined where it does not. */
function renaming(kind: Kind, from: string, to: string): (name: string) => string | undefined {
  switch (kind) {
    case 'exact':
      return (name) => (name === from ? to : undefined)
    case 'prefix':
      return (name) => (name.startsWith(from) ? to + name.slice(from.length) : undefined)
    case 'suffix':
      return (name) => (name.endsWith(from) ? name.slice(0, name.length - from.length) + to : undefined)
    case 'substring':
      return (name) => (name.includes(from) ? name.replaceAll(from, to) : undefined)
    case 'regex': {
      const pattern = patternOf(from, to)
      return (name) => filled(pattern, name, to)
    }
  }
}

function patternOf(from: string, to: string): RegExp {
  const pattern = goPattern(from)
  if (!pattern) throw new CorefileError(`invalid regex matching pattern: ${from}`)
  const groups = new RegExp(`${pattern.source}|`, pattern.flags).exec('')!.length - 1
  const used = Array.from({ length: 101 }, (_, index) => index).filter((index) => to.includes(`{${index}}`)).length
  if (used > groups)
    throw new CorefileError(
      `the rewrite regex pattern (${to}) uses more subexpressions than its corresponding matching regex pattern (${from})`,
    )
  return pattern
}

function filled(pattern: RegExp, name: string, to: string): string | undefined {
  const match = pattern.exec(name)
  return match ? match.reduce<string>((text, group, index) => text.replaceAll(`{${index}}`, group ?? ''), to) : undefined
}

function nameRule(args: readonly string[]): Pick<Rule, 'apply'> {
  if (args.length < 2) throw new CorefileError('too few arguments for a name rule')
  const given = args.length === 2 ? 'exact' : args[0]!.toLowerCase()
  if (!kinds.includes(given))
    throw new CorefileError(`name rule supports only exact, prefix, suffix, substring, and regex name matching, received: ${given}`)
  const kind = given as Kind
  const [from = '', to = '', ...answerWords] = args.length === 2 ? args : args.slice(1)
  if (kind === 'regex') patternOf(from, to)
  // Every kind's words are made names with a final dot, a prefix too.
  const target = canonical(to)
  const rename = renaming(kind, kind === 'regex' ? from : canonical(from), target)
  const { auto, rules } = answerRules(kind, answerWords)
  return {
    apply(query) {
      const name = rename(query.name)
      if (name === undefined) return undefined
      const back = kind === 'exact' || (auto && kind !== 'suffix') ? [names(remap(name, query.name)), values(remap(name, query.name))] : []
      const suffix = (text: string) => (text.endsWith(target) ? text.slice(0, text.length - target.length) + canonical(from) : text)
      if (auto && kind === 'suffix') back.push(names(suffix), values(suffix))
      const undo: Undo = (answer) => [...back, ...rules].reduceRight((result, rule) => everyRecord(result, rule), answer)
      return { query: renamed(query, name), undo }
    },
  }
}

type RecordRule = (record: ResourceRecord) => ResourceRecord

/** `name` and what is below it becomes `to` and what is below that. */
function remap(name: string, to: string): (text: string) => string {
  return (text) => (text === name ? to : text.endsWith(`.${name}`) ? text.slice(0, text.length - name.length) + to : text)
}

function names(change: (text: string) => string): RecordRule {
  return (record) => ({ ...record, name: change(record.name) })
}

function values(change: (text: string) => string): RecordRule {
  return (record) => {
    switch (record.type) {
      case 'CNAME':
      case 'NS':
      case 'PTR':
        return { ...record, data: change(record.data) }
      case 'SRV':
        return { ...record, data: { ...record.data, target: change(record.data.target) } }
      case 'MX':
        return { ...record, data: { ...record.data, exchange: change(record.data.exchange) } }
      case 'SOA':
        return { ...record, data: { ...record.data, mname: change(record.data.mname) } }
      default:
        return record
    }
  }
}

/** `answer auto`, `answer name FROM TO`, `answer value FROM TO`, several after another. */
function answerRules(kind: string, words: readonly string[]): { auto: boolean; rules: RecordRule[] } {
  const rules: RecordRule[] = []
  let auto = false
  let named = 0
  let last = ''
  if (words.length === 1) throw new CorefileError(`invalid arguments for ${kind} rule`)
  for (let at = 0; at < words.length; ) {
    if (last === '' && words[at] !== 'answer')
      throw new CorefileError(`exceeded the number of arguments for a non-answer rule argument for ${kind} rule`)
    if (words[at] === 'answer') at++
    last = words[at++] ?? ''
    if (last === '') throw new CorefileError(`type missing for answer rule for ${kind} rule`)
    if (last === 'auto') auto = true
    else if (last === 'name' || last === 'value') {
      const [from, to] = words.slice(at, at + 2)
      if (from === undefined || to === undefined) throw new CorefileError(`${last} answer rule for ${kind} rule: 2 arguments required`)
      const pattern = patternOf(from, to)
      const change = (text: string) => filled(pattern, text, canonical(to)) ?? text
      rules.push(last === 'name' ? names(change) : values(change))
      if (last === 'name') named++
      at += 2
    } else throw new CorefileError(`invalid type "${last}" for answer rule for ${kind} rule`)
  }
  if (auto && named > 0) throw new CorefileError('auto name answer rule cannot be combined with explicit name anwer rules')
  return { auto, rules }
}

function everyRecord(answer: Answer, turn: RecordRule): Answer {
  return {
    ...answer,
    answers: answer.answers.map(turn),
    authorities: answer.authorities.map(turn),
    ...(answer.additionals && { additionals: answer.additionals.map(turn) }),
  }
}

/** `[exact|prefix|suffix|substring|regex] NAME VALUE`: what the answers to such names become. */
function answerRule(type: string, args: readonly string[], made: (value: string) => Undo): Pick<Rule, 'apply'> {
  if (args.length < 2) throw new CorefileError(`too few arguments for a ${type} rule`)
  if (args.length > 3) throw new CorefileError(`more than required arguments for a ${type} rule`)
  const kind = args.length === 2 ? 'exact' : args[0]!.toLowerCase()
  if (!kinds.includes(kind)) throw new CorefileError(`${type} rule supports only exact, prefix, suffix, substring, and regex name matching`)
  const [name = '', value = ''] = args.slice(-2)
  const matches = renaming(kind as Kind, kind === 'regex' ? name : canonical(name), '')
  const undo = made(value)
  return { apply: (query) => (matches(query.name) === undefined ? undefined : { query, undo }) }
}

function rcodeRule(args: readonly string[]): Pick<Rule, 'apply'> {
  if (args.length < 3) throw new CorefileError('too few arguments for a rcode rule')
  const [old = '', now = ''] = args.slice(-2).map((text) => text.toUpperCase())
  for (const code of [old, now]) if (!rcodes.includes(code)) throw new CorefileError(`invalid rcode ${code} for rcode rule`)
  return answerRule(
    'rcode',
    [...args.slice(0, -2), now],
    () => (answer) => (answer.rcode === old ? { ...answer, rcode: now as Rcode } : answer),
  )
}
