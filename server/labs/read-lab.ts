import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Document, LineCounter, type Node, parseDocument, visit } from 'yaml'
import { compileExpression } from '../grading/expression.ts'
import { parseManifests } from '../kubernetes/manifests.ts'
import type { KubeObject } from '../kubernetes/object.ts'
import { messageOf, Refused } from '../refused.ts'
import type { FaultStep, Lab, Script } from './lab.ts'
import { type LabProblem, nearestNode, pathText, place, problemsOf } from './problems.ts'
import { type LabFile, labSchema } from './schema.ts'

export type LabRead = { readonly id: string } & ({ readonly lab: Lab } | { readonly problems: readonly LabProblem[] })

/** Reads and validates `<folder>/<id>`. All problems are found in one pass, so that an author mends them in one. Never rejects. */
export async function readLab(folder: string, id: string): Promise<LabRead> {
  try {
    return await read(folder, id)
  } catch (error) {
    // A file that may not be read: whatever it is, the other labs stay usable.
    return { id, problems: [{ file: id, message: `cannot be read: ${messageOf(error)}` }] }
  }
}

async function read(folder: string, id: string): Promise<LabRead> {
  const problems: LabProblem[] = []
  const root = join(folder, id)
  const file = await readLabFile(root, id, problems)
  const [story, debrief, world, fault, solutions, wrongFixes] = await Promise.all([
    readText(join(root, 'README.md'), `${id}/README.md`, 'the story and the tasks, in Markdown', problems),
    readText(join(root, 'debrief.md'), `${id}/debrief.md`, 'the mechanism and the lesson, in Markdown', problems),
    readWorld(root, id, problems),
    readFault(root, id, problems),
    readScripts(root, 'solutions'),
    readScripts(root, 'wrong-fixes'),
  ])
  if (fault.length === 0 && file?.cluster.healthy === undefined) {
    const message =
      'no fault; put a manifest (.yaml) or a script (.sh) there, or say in `cluster.healthy` how the cluster itself is at fault'
    problems.push({ file: `${id}/fault`, message })
  }
  if (solutions.length === 0)
    problems.push({ file: `${id}/solutions`, message: 'no solution; at least one script (.sh) must repair the lab' })
  if (file === undefined) return { id, problems }
  const checks = new Set(file.tasks.flatMap((task) => task.checks.map((check) => check.id)))
  const wrong = wrongFixes.map((script) => ({ ...script, caughtBy: caughtBy(script, file, checks, id, problems) }))
  for (const name of Object.keys(file['wrong-fixes'])) {
    if (!wrongFixes.some((script) => script.name === name)) {
      problems.push({ file: `${id}/lab.yaml`, path: `wrong-fixes.${name}`, message: `there is no wrong-fixes/${name}.sh` })
    }
  }
  if (problems.length > 0) return { id, problems }
  return { id, lab: { id, file, story, debrief, world, fault, solutions, wrongFixes: wrong } }
}

/** Every lab of a folder: each subfolder is one. Refuses with `no-labs-folder`. */
export async function readLabs(folder: string): Promise<LabRead[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    const { code } = error
    const reason = code === 'ENOENT' ? 'there is none' : code === 'ENOTDIR' ? 'it is not a folder' : messageOf(error)
    throw new Refused('no-labs-folder', `The folder of labs ${folder} cannot be read: ${reason}.`, {
      mend: 'Name another with --labs <folder>.',
      status: 500,
      cause: error,
    })
  })
  const ids = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map((entry) => entry.name)
  return Promise.all(ids.sort().map((id) => readLab(folder, id)))
}

async function readLabFile(root: string, id: string, problems: LabProblem[]): Promise<LabFile | undefined> {
  const name = `${id}/lab.yaml`
  const text = await readText(join(root, 'lab.yaml'), name, 'what the lab is', problems)
  if (text === '') return undefined
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  // A warning is a tag that nobody knows: its value would be taken for another.
  for (const error of [...document.errors, ...document.warnings]) {
    const { line, col } = lines.linePos(error.pos[0])
    problems.push({ file: name, line, column: col, message: `is no valid YAML: ${wordYaml(error)}` })
  }
  if (document.errors.length > 0) return undefined
  const value = plainValue(document, lines, problems, name)
  if (value === undefined) return undefined
  const parsed = labSchema.safeParse(value)
  if (!parsed.success) {
    problems.push(...problemsOf(parsed.error, document, lines, name, value))
    return undefined
  }
  const problem = (path: (string | number)[], message: string) =>
    problems.push({ file: name, ...place(nearestNode(document, path), lines), path: pathText(path), message })
  const seen = new Map<string, string>()
  parsed.data.tasks.forEach((task, taskIndex) => {
    unique(['tasks', taskIndex, 'id'], `task ${task.id}`)
    task.checks.forEach((check, checkIndex) => {
      const path = ['tasks', taskIndex, 'checks', checkIndex]
      unique([...path, 'id'], `check ${check.id}`)
      expression([...path, 'state', 'expr'], check.state?.expr, Object.keys(check.state?.objects ?? {}))
      expression([...path, 'untouched', 'expr'], check.untouched?.expr, ['old', 'new'])
    })
  })
  return parsed.data

  function unique(path: (string | number)[], what: string): void {
    const before = seen.get(what)
    if (before !== undefined) problem(path, `${what} is there twice, first at ${before}`)
    else seen.set(what, pathText(path))
  }

  function expression(path: (string | number)[], text: string | undefined, names: readonly string[]): void {
    if (text === undefined) return
    try {
      compileExpression(text, names)
    } catch (error) {
      problem(path, `is no valid CEL expression: ${messageOf(error).split('\n')[0]}; names it may use: ${names.join(', ') || 'none'}`)
    }
  }
}

/** The parser's own words, but where they speak to its caller. */
function wordYaml({ code, message }: { code: string; message: string }): string {
  return code === 'MULTIPLE_DOCS' ? 'it holds more than one document; a lab is one' : message
}

/** The document as plain data; undefined, with the problem noted, where its aliases lead nowhere or multiply without end. */
function plainValue(document: Document, lines: LineCounter, problems: LabProblem[], file: string): unknown {
  try {
    return (document.toJS() as unknown) ?? {}
  } catch (error) {
    let dangling: Node | undefined
    visit(document, {
      Alias(_, alias) {
        if (alias.resolve(document) !== undefined) return
        dangling = alias
        return visit.BREAK
      },
    })
    problems.push({ file, ...place(dangling, lines), message: `is no usable YAML: ${messageOf(error)}` })
    return undefined
  }
}

async function readText(path: string, name: string, purpose: string, problems: LabProblem[]): Promise<string> {
  try {
    const text = await readFile(path, 'utf8')
    if (text.trim() === '') problems.push({ file: name, line: 1, column: 1, message: `is empty; it holds ${purpose}` })
    return text
  } catch (error) {
    problems.push({
      file: name,
      message: (error as NodeJS.ErrnoException).code === 'ENOENT' ? `is missing; it holds ${purpose}` : messageOf(error),
    })
    return ''
  }
}

/** Names and texts of a folder's files, in order; nothing where there is no such folder. */
async function readFolder(path: string): Promise<readonly (readonly [string, string])[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const names = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.')).map((entry) => entry.name)
  return Promise.all(names.sort().map(async (name) => [name, await readFile(join(path, name), 'utf8')] as const))
}

function manifests(text: string, name: string, problems: LabProblem[]): KubeObject[] {
  try {
    return parseManifests(text, name)
  } catch (error) {
    const [, line, column, message] = /^[^:]+:(?:(\d+):(\d+):)? *(.*)$/s.exec(messageOf(error)) ?? []
    problems.push({ file: name, line: Number(line ?? 1), column: Number(column ?? 1), message: message ?? messageOf(error) })
    return []
  }
}

async function readWorld(root: string, id: string, problems: LabProblem[]): Promise<KubeObject[]> {
  const files = await readFolder(join(root, 'world'))
  return files.filter(([name]) => isYaml(name)).flatMap(([name, text]) => manifests(text, `${id}/world/${name}`, problems))
}

async function readFault(root: string, id: string, problems: LabProblem[]): Promise<FaultStep[]> {
  const files = await readFolder(join(root, 'fault'))
  return files.flatMap(([name, text]): FaultStep[] => {
    if (isYaml(name)) return [{ file: name, objects: manifests(text, `${id}/fault/${name}`, problems) }]
    return name.endsWith('.sh') ? [{ file: name, script: script(name, text, files) }] : []
  })
}

async function readScripts(root: string, folder: string): Promise<Script[]> {
  const files = await readFolder(join(root, folder))
  return files.filter(([name]) => name.endsWith('.sh')).map(([name, text]) => script(name, text, files))
}

function script(name: string, text: string, files: readonly (readonly [string, string])[]): Script {
  return { name: name.replace(/\.sh$/, ''), text, files: Object.fromEntries(files.filter(([other]) => !other.endsWith('.sh'))) }
}

function caughtBy(fix: Script, file: LabFile, checks: ReadonlySet<string>, id: string, problems: LabProblem[]): string {
  const place = `${id}/wrong-fixes/${fix.name}.sh`
  const lines = fix.text.split('\n')
  const index = lines.findIndex((line) => /^#\s*caught-by:/.test(line))
  const named = index === -1 ? file['wrong-fixes'][fix.name] : lines[index]?.replace(/^#\s*caught-by:\s*/, '').trim()
  if (named === undefined) {
    problems.push({ file: place, line: 1, column: 1, message: 'does not say what catches it; add a line `# caught-by: <check id>`' })
    return ''
  }
  if (!checks.has(named)) {
    const allowed = [...checks].join(', ')
    problems.push({
      file: place,
      line: index === -1 ? 1 : index + 1,
      column: 1,
      message: `names the check "${named}"; allowed: ${allowed}`,
    })
  }
  return named
}

function isYaml(name: string): boolean {
  return /\.ya?ml$/.test(name)
}
