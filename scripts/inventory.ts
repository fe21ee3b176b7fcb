import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { catalogue } from '../server/engines/simulated/images.ts'
import { resources } from '../simulator/resources/catalogue.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What the simulated cluster has, read from the code itself: kinds, images, commands, and every refusal. Markdown. */
export function inventory(): string {
  return [
    '# What the simulated cluster has',
    '',
    'Written by `npm run update` from the code; `SIMULATION.md` says what it means.',
    '',
    '## Kinds',
    '',
    ...kinds(),
    '',
    '## Images',
    '',
    'A pull of anything else fails as from a registry that cannot be reached. Each has the commands listed, and no shell where none is.',
    '',
    ...images(),
    '',
    '## Commands of the terminal and of nodes',
    '',
    wrapped([...new Set(Object.keys(catalogue.workstationExecutables).map((path) => basename(path)))].sort().map((name) => `\`${name}\``)),
    '',
    '## Refused by name',
    '',
    'Each line is what a person reads; `…` stands for what they asked for.',
    '',
    ...refusals(),
    '',
  ].join('\n')
}

function kinds(): string[] {
  return resources
    .map(({ group, version, kind, plural, shortNames, status, scale, connects }) => {
      const below = [
        ...(status ? ['status'] : []),
        ...(scale ? ['scale'] : []),
        ...(connects ?? []).map(({ name }) => name.split('/').at(-1)!),
      ]
      const names = [plural, ...(shortNames ?? [])].map((name) => `\`${name}\``).join(' ')
      return `- ${group ? `${group}/${version}` : version} **${kind}** (${names})${below.length > 0 ? `: ${below.join(', ')}` : ''}`
    })
    .sort()
}

function images(): string[] {
  const byName = new Map<string, Set<string>>()
  for (const { repositories, executables } of catalogue.images) {
    const name = repositories.map((repository) => `\`${repository}\``).join(', ')
    const commands = byName.get(name) ?? new Set()
    for (const path of Object.keys(executables)) commands.add(basename(path))
    byName.set(name, commands)
  }
  return [...byName]
    .map(([name, commands]) => `- ${name}: ${commands.size > 12 ? `${commands.size} commands` : [...commands].join(', ')}`)
    .sort()
}

/** Sentences in the code that say that something is not modelled, with the file that says them. */
function refusals(): string[] {
  const lines = new Set<string>()
  for (const room of ['simulator', 'userland', 'server/engines/simulated']) {
    for (const file of sources(join(root, room))) {
      const visit = (node: ts.Node): void => {
        const text = sentence(node)
        if (text !== undefined && /does not model|is not modelled here/.test(text))
          lines.add(`- \`${file.slice(root.length)}\`: ${text.trim()}`)
        else ts.forEachChild(node, visit)
      }
      visit(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest))
    }
  }
  return [...lines].sort()
}

/** The text of a string or a template, whose parts that vary are `…`. */
function sentence(node: ts.Node): string | undefined {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text
  if (!ts.isTemplateExpression(node)) return undefined
  return node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join('')
}

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => join(folder, name))
}

function wrapped(words: readonly string[]): string {
  const lines = ['']
  for (const word of words) {
    const line = lines.at(-1)!
    if (line.length + word.length > 140) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines.join('\n')
}
