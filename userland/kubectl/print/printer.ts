import { resolvePath } from '../../../simulator/files.ts'
import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { Failure, PrintFailure } from '../cli/failure.ts'
import type { Flag } from '../cli/flags.ts'
import { bool, text } from '../cli/flags.ts'
import type { Call } from '../cli/verb.ts'
import { columnHeaders, columnRow, parseColumns, parseColumnsFile } from './custom-columns.ts'
import { goQuoted, goText } from './go-value.ts'
import { compactJson, jsonText } from './json.ts'
import { jsonPathJson, jsonPathText } from './jsonpath.ts'
import { kyamlText } from './kyaml.ts'
import { createTabWriter } from './tabwriter.ts'
import { ExecutionError, goTemplateText } from './template/go-template.ts'
import { yamlText } from './yaml.ts'

export const outputFlag: Flag = text('output', 'Output format: json, yaml, name, go-template=…, jsonpath=…, jsonpath-as-json=….', 'o')
export const templateFlag: Flag = text('template', 'Template for -o go-template or jsonpath.')
export const managedFieldsFlag: Flag = bool('show-managed-fields', 'Keep managedFields in JSON and YAML.')
export const missingKeysFlag: Flag = bool('allow-missing-template-keys', 'Missing keys print nothing.', undefined, 'true')

/** Flags of every command that prints the object it made or changed. */
export const printFlags: readonly Flag[] = [outputFlag, templateFlag, managedFieldsFlag, missingKeysFlag]

/** Prints one object after the other. `done` gives what is still to be printed at the end. */
export interface ObjectPrinter {
  print(object: KubeObject): string
  done(): string
}

const formats = 'go-template, go-template-file, json, jsonpath, jsonpath-as-json, jsonpath-file, kyaml, name, template, templatefile, yaml'
const getFormats =
  'custom-columns, custom-columns-file, go-template, go-template-file, json, jsonpath, jsonpath-as-json, jsonpath-file, kyaml, name, template, templatefile, wide, yaml'

/** The printer behind `-o`, or undefined where the command's own words (or a table) are wanted. Throws for unknown formats. */
export function objectPrinter(call: Call, tables = false): ObjectPrinter | undefined {
  // A template without a form is one of Go's.
  const output = call.flags.text('output') || (call.flags.text('template') === '' ? '' : 'go-template')
  if (output === '' || (tables && output === 'wide')) return undefined
  const equals = output.indexOf('=')
  const given = equals <= 0 ? output : output.slice(0, equals)
  const format = ['yaml', 'json'].includes(given.toLowerCase()) ? given.toLowerCase() : given
  const template = equals < 0 ? call.flags.text('template') : output.slice(equals + 1)
  const keep = call.flags.bool('show-managed-fields')
  const missing = call.flags.bool('allow-missing-template-keys') ? 'default' : 'error'
  const shown = (object: KubeObject) => (keep ? object : withoutManagedFields(object))
  switch (format) {
    case 'yaml':
      return yamlPrinter(shown)
    case 'kyaml':
      return simple((object) => `---\n${kyamlText(shown(object), isOwn(object))}`)
    case 'json':
      return simple((object) => jsonText(shown(object), isOwn(object)))
    case 'name':
      return simple(nameLine)
    case 'jsonpath':
    case 'jsonpath-file': {
      const source = needTemplate(call, format, template)
      return simple((object) => jsonPathText(source, object, missing))
    }
    case 'jsonpath-as-json': {
      const source = needTemplate(call, format, template)
      return simple((object) => jsonPathJson(source, object, missing))
    }
    case 'go-template':
    case 'template':
    case 'go-template-file':
    case 'templatefile': {
      const source = needTemplate(call, format, template)
      return simple((object) => templateText(call, source, object))
    }
    case 'custom-columns':
    case 'custom-columns-file':
      if (tables) return columnsPrinter(call, format, template)
  }
  const known = tables ? getFormats : formats
  throw new Failure(
    `unable to match a printer suitable for the output format "${given}", allowed formats are: ${known.replaceAll(', ', ',')}`,
  )
}

/** Objects that this program has put together keep their fields' order in JSON, as Go's structs do. */
const own = new WeakSet<object>()
export function markOwn<T extends object>(object: T): T {
  own.add(object)
  return object
}
function isOwn(object: object): boolean {
  return own.has(object)
}

function simple(print: (object: KubeObject) => string): ObjectPrinter {
  return { print, done: () => '' }
}

function yamlPrinter(shown: (object: KubeObject) => KubeObject): ObjectPrinter {
  let count = 0
  return { print: (object) => (count++ > 0 ? '---\n' : '') + yamlText(shown(object)), done: () => '' }
}

function nameLine(object: KubeObject): string {
  if (object.kind === 'List') return ((object['items'] as KubeObject[] | undefined) ?? []).map(nameLine).join('')
  const [group] = object.apiVersion?.includes('/') ? object.apiVersion.split('/') : ['']
  return `${(object.kind ?? '<unknown>').toLowerCase()}${group ? `.${group}` : ''}/${object.metadata?.name ?? '<unknown>'}\n`
}

function columnsPrinter(call: Call, format: string, template: string): ObjectPrinter {
  const columns = format === 'custom-columns' ? parseColumns(template) : parseColumnsFile(readTemplate(call, template, 'template'))
  const writer = createTabWriter()
  let headers = !call.flags.bool('no-headers')
  return {
    print(object) {
      if (headers) writer.write(columnHeaders(columns))
      headers = false
      const items = object.kind === 'List' ? (object['items'] as KubeObject[]) : [object]
      try {
        for (const item of items) writer.write(columnRow(columns, item))
      } catch (error) {
        // A path that is none is found out behind the headers, and named without itself.
        if (!(error instanceof Failure)) throw error
        throw new PrintFailure(writer.flush(), error.message.replace(/^error parsing jsonpath .*?\}, /, ''))
      }
      return ''
    },
    done: () => writer.flush(),
  }
}

function needTemplate(call: Call, format: string, template: string): string {
  if (template === '') throw new Failure(`template format specified but no template given`)
  return format.endsWith('file') ? readTemplate(call, template) : template
}

/** A template that fails while it runs shows what it had to work with, on standard output, as GoTemplatePrinter does. */
function templateText(call: Call, template: string, object: KubeObject): string {
  try {
    return goTemplateText(template, object, call.flags.bool('allow-missing-template-keys') ? 'default' : 'error')
  } catch (error) {
    if (!(error instanceof ExecutionError)) throw error
    const told = `Error executing template: ${error.message}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t${template}\n\traw data was:\n\t\t${compactJson(object)}\n\tobject given to template engine was:\n\t\t${goText(object)}\n\n`
    throw new PrintFailure(error.written + told, `error executing template ${goQuoted(template)}: ${error.message}`)
  }
}

function readTemplate(call: Call, path: string, what = '--template'): string {
  const full = resolvePath(call.process.cwd, path)
  if (!call.process.files.exists(full)) throw new Failure(`error reading ${what} ${path}, open ${path}: no such file or directory\n`)
  return call.process.files.readText(full)
}

function withoutManagedFields(object: KubeObject): KubeObject {
  if (object.kind === 'List') return { ...object, items: (object['items'] as KubeObject[]).map(withoutManagedFields) }
  if (!object.metadata?.managedFields) return object
  const { managedFields: _, ...metadata } = object.metadata
  const copy = { ...object, metadata }
  if (isOwn(object)) markOwn(copy)
  return copy
}
