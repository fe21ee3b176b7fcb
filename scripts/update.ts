import { readFile, writeFile } from 'node:fs/promises'
import { labJsonSchema } from '../server/labs/schema.ts'
import { inventory } from './inventory.ts'

/**
 * `npm run update` writes every file that is generated from the code; `--check` writes nothing and fails where one would change.
 * Golden files of the tests are kept by the tests: `npx vitest run -u`.
 */
const generated: Readonly<Record<string, () => string>> = {
  'simulator/INVENTORY.md': inventory,
  'labs/schema.json': () => `${JSON.stringify(labJsonSchema(), undefined, 2)}\n`,
}

const check = process.argv.includes('--check')
let stale = 0
for (const [file, make] of Object.entries(generated)) {
  const path = new URL(`../${file}`, import.meta.url)
  const wanted = make()
  const found = await readFile(path, 'utf8').catch(() => undefined)
  if (found === wanted) continue
  stale++
  if (check) console.error(`${file} is not what the code generates; run \`npm run update\` and commit it.`)
  else {
    await writeFile(path, wanted)
    console.log(`wrote ${file}`)
  }
}
if (check && stale > 0) process.exitCode = 1
else if (stale === 0) console.log('Everything generated is up to date.')
