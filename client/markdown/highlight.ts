import { createCssVariablesTheme, createHighlighterCore } from 'shiki/core'
import { createJavaScriptRegexEngine } from 'shiki/engine/javascript'
import json from 'shiki/langs/json.mjs'
import bash from 'shiki/langs/shellscript.mjs'
import yaml from 'shiki/langs/yaml.mjs'

export interface Piece {
  readonly text: string
  readonly colour?: string
}

const highlighter = createHighlighterCore({
  themes: [createCssVariablesTheme({ name: 'page', variablePrefix: '--code-', fontStyle: false })],
  langs: [bash, yaml, json],
  engine: createJavaScriptRegexEngine(),
})

/** Lines of coloured pieces; a language that is not known stays plain. */
export async function highlight(code: string, language: string): Promise<Piece[][] | undefined> {
  const ready = await highlighter
  if (!ready.getLoadedLanguages().includes(language)) return undefined
  const { tokens } = ready.codeToTokens(code, { lang: language, theme: 'page' })
  return tokens.map((line) => line.map((token) => ({ text: token.content, ...(token.color === undefined ? {} : { colour: token.color }) })))
}
