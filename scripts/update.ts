import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { symptomGoldens } from '../server/engines/simulated/symptoms/goldens.ts'
import { labJsonSchema } from '../server/labs/schema.ts'
import { inventory } from './inventory.ts'

/**
 * `npm run update` writes every file that is generated from the code; `--check` writes nothing and fails where one would change.
 * Other golden files of the tests are kept by the tests: `npx vitest run -u`.
 */
const generated: Readonly<Record<string, () => string>> = {
  'simulator/INVENTORY.md': inventory,
  'labs/schema.json': () => `${JSON.stringify(labJsonSchema(), undefined, 2)}\n`,
}

async function everything(): Promise<Record<string, string>> {
  const simple = Object.entries(generated).map(([file, make]) => [file, make()])
  return { ...Object.fromEntries(simple), ...(await symptomGoldens()) }
}

const check = process.argv.includes('--check')
let stale = 0
for (const [file, wanted] of Object.entries(await everything())) {
  const path = new URL(`../${file}`, import.meta.url)
  const found = await readFile(path, 'utf8').catch(() => undefined)
  if (found === wanted) continue
  stale++
  if (check) console.error(`${file} is not what the code generates; run \`npm run update\` and commit it.`)
  else {
    await mkdir(new URL('.', path), { recursive: true })
    await writeFile(path, wanted)
    console.log(`wrote ${file}`)
  }
}
if (check && stale > 0) process.exitCode = 1
else if (stale === 0) console.log('Everything generated is up to date.')
