import type { Builtin } from './builtin.ts'
import { flowBuiltins } from './flow.ts'
import { jobBuiltins } from './jobs.ts'
import { outputBuiltins } from './output.ts'
import { variableBuiltins } from './variables.ts'

export const builtins: ReadonlyMap<string, Builtin> = new Map(
  Object.entries({ ...flowBuiltins(() => builtins), ...variableBuiltins, ...outputBuiltins, ...jobBuiltins }),
)
