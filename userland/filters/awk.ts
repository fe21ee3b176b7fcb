import { resolvePath } from '../../simulator/files.ts'
import type { Process } from '../../simulator/programs/process.ts'
import { lineBatches } from '../posix/lines.ts'
import { extendedRegExp } from '../posix/regexp.ts'
import { openSource, parseOptions, ToolError, tool } from '../posix/tool.ts'
import { unescapeAnsi } from '../shell/lexer.ts'
import type { AwkProgram, Expression, Statement } from './awk-syntax.ts'
import { parseAwk } from './awk-syntax.ts'
import type { Cells, Value } from './awk-values.ts'
import { arithmetic, callPlain, Flow, formatNumber, formatValues, Input, isNumeric, toNumber, toText } from './awk-values.ts'

export const awk = tool(
  'awk',
  async (process) => {
    const { options, given, operands } = parseOptions(
      process.argv.slice(1),
      '+F:v:f:',
      { 'field-separator': 'F:', assign: 'v:', file: 'f:' },
      2,
    )
    const rest = [...operands]
    const sources = given.filter(([name]) => name === 'f').map(([, file]) => process.files.readText(resolvePath(process.cwd, file)))
    if (sources.length === 0) {
      const source = rest.shift()
      if (source === undefined) {
        await process.stderr.write('usage: awk [-F fs][-v var=value][prog | -f progfile][file ...]\n')
        return 2
      }
      sources.push(source)
    }
    const machine = new Machine(process, parseAwk(sources.join('\n')))
    const separator = options.get('F')
    if (separator !== undefined) machine.set('FS', separator === 't' ? '\t' : unescapeAnsi(separator))
    for (const [name, value] of given) {
      if (name !== 'v') continue
      const match = /^([A-Za-z_]\w*)=([\s\S]*)$/.exec(value)
      if (!match) throw new ToolError(`invalid argument to -v: ${value}`, 2)
      machine.set(match[1] as string, new Input(unescapeAnsi(match[2] as string)))
    }
    return machine.run(rest)
  },
  2,
)

class Machine {
  readonly #process: Process
  readonly #program: AwkProgram
  readonly #variables = new Map<string, Value>()
  readonly #arrays = new Map<string, Cells>()
  #scopes: Map<string, Value | Cells>[] = []
  #fields: Value[] = ['']
  #record = ''
  #fieldsStale = false
  #recordStale = false
  #output = ''
  #written = new Set<string>()
  #ranges = new Set<number>()
  #patterns = new Map<string, RegExp>()
  #lines: AsyncGenerator<string[]> | undefined
  #batch: string[] = []
  #at = 0
  #files = new Map<string, string[]>()

  constructor(process: Process, program: AwkProgram) {
    this.#process = process
    this.#program = program
    const defaults: Record<string, Value> = {
      FS: ' ',
      OFS: ' ',
      ORS: '\n',
      RS: '\n',
      NR: 0,
      FNR: 0,
      NF: 0,
      SUBSEP: '\x1c',
      CONVFMT: '%.6g',
      OFMT: '%.6g',
      RSTART: 0,
      RLENGTH: -1,
      FILENAME: '',
    }
    for (const [name, value] of Object.entries(defaults)) this.#variables.set(name, value)
    this.#arrays.set('ENVIRON', new Map(Object.entries(process.env).map(([name, value]) => [name, new Input(value)])))
  }

  set(name: string, value: Value): void {
    const scope = this.#scopes.at(-1)
    if (scope?.has(name)) scope.set(name, value)
    else this.#variables.set(name, value)
    if (name === 'NF') {
      this.#split()
      const count = toNumber(value)
      while (this.#fields.length <= count) this.#fields.push('')
      this.#fields.length = count + 1
      this.#recordStale = true
    }
  }

  async run(operands: readonly string[]): Promise<number> {
    let code = 0
    this.#arrays.set('ARGV', new Map(['awk', ...operands].map((operand, index) => [`${index}`, new Input(operand)])))
    this.set('ARGC', operands.length + 1)
    try {
      await this.#rules('BEGIN')
      const reads = this.#program.rules.some(({ pattern }) => pattern !== 'BEGIN')
      if (reads) {
        this.#lines = this.#input(operands)
        while (await this.#nextRecord()) await this.#main()
      }
    } catch (error) {
      if (!(error instanceof Flow) || error.kind !== 'exit') throw error
      code = toNumber(error.value)
    }
    try {
      await this.#rules('END')
    } catch (error) {
      if (!(error instanceof Flow) || error.kind !== 'exit') throw error
      if (error.value !== undefined) code = toNumber(error.value)
    }
    await this.#flush()
    return code & 255
  }

  async *#input(operands: readonly string[]): AsyncGenerator<string[]> {
    const process = this.#process
    let any = false
    for (const operand of operands) {
      const assignment = /^([A-Za-z_]\w*)=([\s\S]*)$/.exec(operand)
      if (assignment) {
        this.set(assignment[1] as string, new Input(unescapeAnsi(assignment[2] as string)))
        continue
      }
      any = true
      this.set('FILENAME', operand)
      this.set('FNR', 0)
      yield* this.#records(openSource(process, operand))
    }
    if (!any) yield* this.#records(process.stdin)
  }

  async *#records(source: Parameters<typeof lineBatches>[0]): AsyncGenerator<string[]> {
    const separator = this.#text(this.#variables.get('RS'))
    if (separator === '\n') {
      yield* lineBatches(source, this.#process.signal)
      return
    }
    let all: string[] = []
    for await (const lines of lineBatches(source, this.#process.signal)) all = all.concat(lines)
    const text = all.join('\n')
    const records =
      separator === ''
        ? text.replace(/^\n+|\n+$/g, '').split(/\n{2,}/)
        : text.split(separator.length === 1 ? separator : this.#regexp(separator))
    yield records.at(-1) === '' || records.at(-1) === '\n' ? records.slice(0, -1) : records
  }

  async #nextLine(): Promise<string | undefined> {
    while (this.#at >= this.#batch.length) {
      await this.#flush()
      const next = await this.#lines?.next()
      if (!next || next.done) return undefined
      this.#batch = next.value
      this.#at = 0
    }
    return this.#batch[this.#at++]
  }

  async #nextRecord(): Promise<boolean> {
    const line = await this.#nextLine()
    if (line === undefined) return false
    this.#countRecord()
    this.#setRecord(line)
    return true
  }

  #countRecord(): void {
    this.#variables.set('NR', toNumber(this.#variables.get('NR')) + 1)
    this.#variables.set('FNR', toNumber(this.#variables.get('FNR')) + 1)
  }

  #setRecord(text: string): void {
    this.#record = text
    this.#fieldsStale = true
    this.#recordStale = false
  }

  #split(): void {
    if (!this.#fieldsStale) return
    this.#fieldsStale = false
    this.#fields = ['', ...this.#splitText(this.#record, this.#text(this.#variables.get('FS'))).map((field) => new Input(field))]
    this.#variables.set('NF', this.#fields.length - 1)
  }

  #splitText(text: string, separator: string): string[] {
    if (separator === ' ') return text.match(/[^ \t\n]+/g) ?? []
    if (text === '') return []
    if (separator === '') return [...text]
    if (separator.length === 1 && !/[\\^$.|?*+()[{]/.test(separator)) return text.split(separator)
    if (separator.length === 1) return text.split(separator)
    return text.split(this.#regexp(separator))
  }

  #whole(): string {
    if (this.#recordStale) {
      this.#recordStale = false
      this.#record = this.#fields
        .slice(1)
        .map((field) => this.#text(field))
        .join(this.#text(this.#variables.get('OFS')))
    }
    return this.#record
  }

  async #rules(kind: 'BEGIN' | 'END'): Promise<void> {
    for (const rule of this.#program.rules) if (rule.pattern === kind) await this.#block(rule.body ?? [])
  }

  async #main(): Promise<void> {
    try {
      for (const [index, { pattern, body }] of this.#program.rules.entries()) {
        if (pattern === 'BEGIN' || pattern === 'END') continue
        if (pattern?.to) {
          if (!this.#ranges.has(index)) {
            if (!(await this.#truth(pattern.from))) continue
            this.#ranges.add(index)
          }
          if (await this.#truth(pattern.to)) this.#ranges.delete(index)
        } else if (pattern && !(await this.#truth(pattern.from))) continue
        if (body) await this.#block(body)
        else this.#write(`${this.#whole()}${this.#text(this.#variables.get('ORS'))}`)
      }
    } catch (error) {
      if (!(error instanceof Flow) || error.kind !== 'next') throw error
    }
  }

  #write(text: string): void {
    this.#output += text
  }

  async #flush(): Promise<void> {
    if (this.#output === '') return
    const text = this.#output
    this.#output = ''
    await this.#process.stdout.write(text)
  }

  async #block(statements: readonly Statement[]): Promise<void> {
    for (const statement of statements) await this.#execute(statement)
  }

  #steps = 0
  async #loop(test: () => Promise<boolean>, body: Statement, step?: () => Promise<void>): Promise<void> {
    while (await test()) {
      if (++this.#steps % 4096 === 0) await this.#process.clock.sleep(1, this.#process.signal)
      try {
        await this.#execute(body)
      } catch (error) {
        if (!(error instanceof Flow)) throw error
        if (error.kind === 'break') return
        if (error.kind !== 'continue') throw error
      }
      await step?.()
    }
  }

  async #execute(statement: Statement): Promise<void> {
    switch (statement.kind) {
      case 'expression':
        await this.#value(statement.expression)
        return
      case 'print':
      case 'printf':
        return this.#print(statement)
      case 'block':
        return this.#block(statement.body)
      case 'if':
        if (await this.#truth(statement.test)) await this.#execute(statement.yes)
        else if (statement.no) await this.#execute(statement.no)
        return
      case 'while':
        return this.#loop(() => this.#truth(statement.test), statement.body)
      case 'do': {
        let first = true
        return this.#loop(async () => {
          if (!first) return this.#truth(statement.test)
          first = false
          return true
        }, statement.body)
      }
      case 'for':
        if (statement.start) await this.#execute(statement.start)
        return this.#loop(
          async () => !statement.test || this.#truth(statement.test),
          statement.body,
          statement.step && (() => this.#execute(statement.step as Statement)),
        )
      case 'for-in': {
        const keys = [...this.#array(statement.array).keys()]
        let index = 0
        return this.#loop(async () => {
          if (index >= keys.length) return false
          this.set(statement.variable, new Input(keys[index++] as string))
          return true
        }, statement.body)
      }
      case 'delete':
        if (statement.index) this.#array(statement.name).delete(await this.#key(statement.index))
        else this.#array(statement.name).clear()
        return
      case 'exit':
      case 'return':
        throw new Flow(statement.kind, statement.value && (await this.#value(statement.value)))
      default:
        throw new Flow(statement.kind)
    }
  }

  async #print(statement: Extract<Statement, { kind: 'print' | 'printf' }>): Promise<void> {
    const values: Value[] = []
    for (const operand of statement.operands) values.push(await this.#value(operand))
    let text: string
    if (statement.kind === 'print') {
      const shown =
        values.length === 0
          ? [this.#whole()]
          : values.map((value) =>
              typeof value === 'number' ? formatNumber(value, this.#text(this.#variables.get('OFMT'))) : this.#text(value),
            )
      text = shown.join(this.#text(this.#variables.get('OFS'))) + this.#text(this.#variables.get('ORS'))
    } else text = this.#format(values)
    if (!statement.output) {
      this.#write(text)
      return
    }
    const file = this.#text(await this.#value(statement.output.file))
    if (file === '/dev/stderr') await this.#process.stderr.write(text)
    else if (file === '/dev/stdout') this.#write(text)
    else if (file !== '/dev/null') {
      const path = resolvePath(this.#process.cwd, file)
      if (!statement.output.append && !this.#written.has(path)) this.#process.files.write(path, '')
      this.#written.add(path)
      this.#process.files.append(path, text)
    }
  }

  #format(values: readonly Value[]): string {
    return formatValues(this.#text(values[0]), values, (value) => this.#text(value))
  }

  #text(value: Value): string {
    return toText(value, this.#variables.get('CONVFMT'))
  }

  async #truth(expression: Expression): Promise<boolean> {
    return this.#isTrue(await this.#value(expression))
  }

  #isTrue(value: Value): boolean {
    return isNumeric(value) ? toNumber(value) !== 0 : this.#text(value) !== ''
  }

  #regexp(source: string): RegExp {
    let pattern = this.#patterns.get(source)
    if (!pattern) {
      pattern = extendedRegExp(source)
      this.#patterns.set(source, pattern)
    }
    return pattern
  }

  async #pattern(expression: Expression): Promise<RegExp> {
    return this.#regexp(expression.kind === 'regexp' ? expression.source : this.#text(await this.#value(expression)))
  }

  #array(name: string): Cells {
    const scope = this.#scopes.at(-1)
    if (scope?.has(name)) {
      const local = scope.get(name)
      if (local instanceof Map) return local
      const cells: Cells = new Map()
      scope.set(name, cells)
      return cells
    }
    let cells = this.#arrays.get(name)
    if (!cells) {
      cells = new Map()
      this.#arrays.set(name, cells)
    }
    return cells
  }

  async #key(index: readonly Expression[]): Promise<string> {
    const parts: string[] = []
    for (const part of index) parts.push(this.#text(await this.#value(part)))
    return parts.join(this.#text(this.#variables.get('SUBSEP')))
  }

  #variable(name: string): Value {
    if (name === 'NF') this.#split()
    const scope = this.#scopes.at(-1)
    if (!scope?.has(name)) return this.#variables.get(name)
    const value = scope.get(name)
    if (value instanceof Map) throw new ToolError(`can't use array ${name} in scalar context`, 2)
    return value
  }

  async #store(target: Expression, value: Value): Promise<void> {
    if (target.kind === 'variable') this.set(target.name, value)
    else if (target.kind === 'element') this.#array(target.name).set(await this.#key(target.index), value)
    else if (target.kind === 'field') {
      const index = toNumber(await this.#value(target.index))
      if (index === 0) {
        this.#setRecord(this.#text(value))
        return
      }
      this.#split()
      while (this.#fields.length <= index) this.#fields.push('')
      this.#fields[index] = value
      this.#variables.set('NF', this.#fields.length - 1)
      this.#recordStale = true
    }
  }

  async #value(expression: Expression): Promise<Value> {
    switch (expression.kind) {
      case 'number':
      case 'string':
        return expression.value
      case 'regexp':
        return this.#regexp(expression.source).test(this.#whole()) ? 1 : 0
      case 'variable':
        return this.#variable(expression.name)
      case 'field': {
        const index = toNumber(await this.#value(expression.index))
        if (index < 0) throw new ToolError(`trying to access out of range field ${index}`, 2)
        if (index === 0) return new Input(this.#whole())
        this.#split()
        return this.#fields[index]
      }
      case 'element': {
        const cells = this.#array(expression.name)
        const key = await this.#key(expression.index)
        if (!cells.has(key)) cells.set(key, undefined)
        return cells.get(key)
      }
      case 'in':
        return this.#array(expression.name).has(await this.#key(expression.index)) ? 1 : 0
      case 'assign': {
        const right = await this.#value(expression.value)
        const value =
          expression.operator === '='
            ? right
            : arithmetic(expression.operator[0] as string, toNumber(await this.#value(expression.target)), toNumber(right))
        await this.#store(expression.target, value)
        return value
      }
      case 'step': {
        const before = toNumber(await this.#value(expression.target))
        await this.#store(expression.target, before + expression.by)
        return expression.prefix ? before + expression.by : before
      }
      case 'unary': {
        const value = await this.#value(expression.operand)
        if (expression.operator === '(') return value
        return expression.operator === '!'
          ? this.#isTrue(value)
            ? 0
            : 1
          : expression.operator === '-'
            ? -toNumber(value)
            : toNumber(value)
      }
      case 'binary':
        return this.#binary(expression)
      case 'ternary':
        return this.#value((await this.#truth(expression.test)) ? expression.yes : expression.no)
      case 'match': {
        const left = this.#text(await this.#value(expression.left))
        return (await this.#pattern(expression.right)).test(left) !== expression.negated ? 1 : 0
      }
      case 'call':
        return this.#program.functions.has(expression.name) ? this.#callFunction(expression) : this.#callBuiltin(expression)
      case 'getline':
        return this.#getline(expression)
    }
  }

  async #binary({ operator, left, right }: Extract<Expression, { kind: 'binary' }>): Promise<Value> {
    if (operator === '&&') return (await this.#truth(left)) && (await this.#truth(right)) ? 1 : 0
    if (operator === '||') return (await this.#truth(left)) || (await this.#truth(right)) ? 1 : 0
    const a = await this.#value(left)
    const b = await this.#value(right)
    if (operator === ' ') return this.#text(a) + this.#text(b)
    if (!/[<>=!]/.test(operator)) return arithmetic(operator, toNumber(a), toNumber(b))
    const numeric = isNumeric(a) && isNumeric(b)
    const [x, y] = numeric ? [toNumber(a), toNumber(b)] : [this.#text(a), this.#text(b)]
    const result =
      operator === '<'
        ? x < y
        : operator === '<='
          ? x <= y
          : operator === '=='
            ? x === y
            : operator === '!='
              ? x !== y
              : operator === '>'
                ? x > y
                : x >= y
    return result ? 1 : 0
  }

  async #getline({ target, file }: Extract<Expression, { kind: 'getline' }>): Promise<Value> {
    let line: string | undefined
    if (file) {
      const path = resolvePath(this.#process.cwd, this.#text(await this.#value(file)))
      if (!this.#process.files.exists(path)) return -1
      const lines = this.#files.get(path) ?? this.#process.files.readText(path).replace(/\n$/, '').split('\n')
      this.#files.set(path, lines)
      line = lines.shift()
    } else {
      line = await this.#nextLine()
      if (line !== undefined) this.#countRecord()
    }
    if (line === undefined) return 0
    if (target) await this.#store(target, new Input(line))
    else this.#setRecord(line)
    return 1
  }

  async #callFunction(call: Extract<Expression, { kind: 'call' }>): Promise<Value> {
    const definition = this.#program.functions.get(call.name)!
    if (this.#scopes.length > 400) throw new ToolError(`function ${call.name}: call depth exceeded`, 2)
    const scope = new Map<string, Value | Cells>()
    for (const [index, parameter] of definition.parameters.entries()) {
      const argument = call.arguments[index]
      if (argument?.kind === 'variable' && (this.#arrays.has(argument.name) || this.#scopes.at(-1)?.get(argument.name) instanceof Map)) {
        scope.set(parameter, this.#array(argument.name))
      } else scope.set(parameter, argument && (await this.#value(argument)))
    }
    this.#scopes.push(scope)
    try {
      await this.#block(definition.body)
      return undefined
    } catch (error) {
      if (error instanceof Flow && error.kind === 'return') return error.value
      throw error
    } finally {
      this.#scopes.pop()
    }
  }

  async #callBuiltin(call: Extract<Expression, { kind: 'call' }>): Promise<Value> {
    const { name, arguments: given } = call
    const first = given[0]
    if (
      name === 'length' &&
      first?.kind === 'variable' &&
      (this.#arrays.has(first.name) || this.#scopes.at(-1)?.get(first.name) instanceof Map)
    )
      return this.#array(first.name).size
    if (name === 'split') return this.#callSplit(given)
    if (name === 'sub' || name === 'gsub') return this.#callSub(given, name === 'gsub')
    if (name === 'match') {
      const text = this.#text(await this.#value(first as Expression))
      const match = (await this.#pattern(given[1] as Expression)).exec(text)
      this.set('RSTART', match ? match.index + 1 : 0)
      this.set('RLENGTH', match ? match[0].length : -1)
      return match ? match.index + 1 : 0
    }
    const values: Value[] = []
    for (const argument of given) values.push(await this.#value(argument))
    if (name === 'length' && given.length === 0) return [...this.#whole()].length
    if (name === 'sprintf') return this.#format(values)
    if (name === 'rand') return this.#process.random.next()
    if (name === 'fflush') await this.#flush()
    return callPlain(name, values, (value) => this.#text(value))
  }

  async #callSplit(given: readonly Expression[]): Promise<Value> {
    const text = this.#text(await this.#value(given[0] as Expression))
    const array = given[1]
    if (array?.kind !== 'variable') throw new ToolError('split: the second argument must be an array', 2)
    const separator = given[2]
    const parts =
      separator?.kind === 'regexp'
        ? text === ''
          ? []
          : text.split(this.#regexp(separator.source))
        : this.#splitText(text, this.#text(separator ? await this.#value(separator) : this.#variables.get('FS')))
    const cells = this.#array(array.name)
    cells.clear()
    for (const [index, part] of parts.entries()) cells.set(`${index + 1}`, new Input(part))
    return parts.length
  }

  async #callSub(given: readonly Expression[], all: boolean): Promise<Value> {
    const pattern = await this.#pattern(given[0] as Expression)
    const replacement = this.#text(await this.#value(given[1] as Expression))
    const target: Expression = given[2] ?? { kind: 'field', index: { kind: 'number', value: 0 } }
    let count = 0
    const before = this.#text(await this.#value(target))
    const after = before.replace(new RegExp(pattern.source, all ? 'g' : ''), (match) => {
      count++
      return replacement.replace(/\\\\&|\\&|&/g, (token) => (token === '&' ? match : token === '\\&' ? '&' : `\\${match}`))
    })
    if (count > 0) await this.#store(target, after)
    return count
  }
}
