import type { LabProof } from '../../server/sessions/prove-lab.ts'

/** The format that CI systems read: a suite for each lab, a case for each stage. */
export function junit(labs: readonly LabProof[]): string {
  const suites = labs.map((lab) => {
    const cases = lab.proofs.map((proof) => {
      const open = `    <testcase classname="${xml(lab.lab)}" name="${xml(proof.stage)}" time="${proof.elapsed / 1000}"`
      if (proof.problems.length === 0) return `${open}/>`
      return `${open}>\n      <failure message="${xml(proof.problems[0] ?? '')}">${xml(proof.problems.join('\n'))}</failure>\n    </testcase>`
    })
    const failed = lab.proofs.filter((proof) => proof.problems.length > 0).length
    return `  <testsuite name="${xml(`${lab.lab} on ${lab.engine}`)}" tests="${cases.length}" failures="${failed}">\n${cases.join('\n')}\n  </testsuite>`
  })
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join('\n')}\n</testsuites>\n`
}

function xml(text: string): string {
  return (
    text
      .replace(/[&<>"]/g, (each) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[each] ?? each)
      // XML 1.0 has no way to write most control characters.
      .replace(/[\0-\x08\x0b\x0c\x0e-\x1f]/g, '?')
  )
}
