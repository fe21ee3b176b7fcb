// `npm test`: everything, and at its end one line with the totals.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const results = mkdtempSync(join(tmpdir(), 'faultline-test-'))
const total = { passed: 0, failed: 0, skipped: 0 }

step('types', ['scripts/types.mjs'])
step('format and lint (Biome)', ['node_modules/@biomejs/biome/bin/biome', 'check', '.'])
step('lint (oxlint)', ['node_modules/oxlint/bin/oxlint', '--type-aware'])
step('unused files and exports (knip)', ['node_modules/knip/bin/knip.js'])
step('generated files are up to date', ['--import', './scripts/typescript.mjs', 'scripts/update.ts', '--check'])
suite('architecture')
suite('unit')
suite('page')
step('the page builds', ['node_modules/vite/bin/vite.js', 'build', 'client', '--logLevel', 'warn'])
suite('kubectl')
suite('helm')
suite('contract')
suite('fuzz')
step('every lab is sound', ['scripts/faultline.mjs', 'lab', 'test'])
suite('browser')

rmSync(results, { recursive: true, force: true })
console.log(`\n${total.passed} passed, ${total.failed} failed${total.skipped ? `, ${total.skipped} skipped` : ''}`)
process.exit(total.failed > 0 ? 1 : 0)

/** One command; counts as one test. */
function step(name, args) {
  console.log(`\n— ${name}`)
  const result = spawnSync(process.execPath, args, { stdio: 'inherit' })
  if (result.status === 0) total.passed++
  else {
    total.failed++
    console.error(`FAILED: ${name}`)
  }
}

/** One vitest project, counted test by test. */
function suite(project) {
  console.log(`\n— tests: ${project}`)
  const output = join(results, `${project}.json`)
  const result = spawnSync(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${output}`],
    { stdio: 'inherit' },
  )
  try {
    const report = JSON.parse(readFileSync(output, 'utf8'))
    total.passed += report.numPassedTests
    total.failed += report.numFailedTests
    total.skipped += report.numPendingTests + report.numTodoTests
    // A suite that cannot be loaded has no tests that failed; it still failed.
    if (result.status !== 0 && report.numFailedTests === 0) total.failed++
    if (report.numPassedTests === 0) {
      total.failed++
      console.error(`FAILED: ${project} ran no test`)
    }
  } catch {
    total.failed++
    console.error(`FAILED: ${project} left no report`)
  }
}
