import type { Parser } from './parser.ts'
import type { Condition, Word } from './syntax.ts'

const unary = new Set('-a -b -c -d -e -f -g -h -k -L -n -o -p -r -s -S -t -u -v -w -x -z'.split(' '))
const binary = new Set('= == != =~ -eq -ne -lt -le -gt -ge -nt -ot -ef'.split(' '))

/** The inside of bash's `[[ ]]`. */
export function parseCondition(parser: Parser): Condition {
  parser.skipNewlines()
  let left = parseAnd(parser)
  while (parser.operator() === '||') {
    parser.take()
    left = { kind: 'or', left, right: parseAnd(parser) }
  }
  return left
}

function parseAnd(parser: Parser): Condition {
  let left = parseTerm(parser)
  while (parser.operator() === '&&') {
    parser.take()
    left = { kind: 'and', left, right: parseTerm(parser) }
  }
  return left
}

function parseTerm(parser: Parser): Condition {
  parser.skipNewlines()
  if (parser.keyword() === '!') {
    parser.take()
    return { kind: 'not', condition: parseTerm(parser) }
  }
  if (parser.operator() === '(') {
    parser.take()
    const condition = parseCondition(parser)
    if (parser.operator() !== ')') parser.unexpected()
    parser.take()
    parser.skipNewlines()
    return condition
  }
  const keyword = parser.keyword()
  const first = takeWord(parser)
  if (keyword && unary.has(keyword) && parser.peek().kind === 'word' && !binary.has(parser.keyword() ?? '')) {
    return skipping(parser, { kind: 'unary', operator: keyword, operand: takeWord(parser) })
  }
  const operator = parser.operator() ?? parser.keyword()
  if (operator === '<' || operator === '>' || binary.has(operator ?? '')) {
    parser.take()
    if (operator !== '=~') return skipping(parser, { kind: 'binary', operator: operator as string, left: first, right: takeWord(parser) })
    parser.lexer.skipBlanks()
    return skipping(parser, { kind: 'binary', operator, left: first, right: parser.lexer.textUntil('', false, true) })
  }
  return skipping(parser, { kind: 'word', word: first })
}

function skipping(parser: Parser, condition: Condition): Condition {
  parser.skipNewlines()
  return condition
}

function takeWord(parser: Parser): Word {
  const token = parser.peek()
  if (token.kind !== 'word' || parser.keyword() === ']]') parser.unexpected()
  parser.take()
  return token.word
}
