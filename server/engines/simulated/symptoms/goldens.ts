import { plugins } from '../../../../simulator/bootstrap/spec.ts'
import { symptoms } from './matrix.ts'
import { play, prepared } from './play.ts'

/** Beside this file, by plugin and symptom. */
export const goldenPath = (plugin: string, symptom: string) => `golden/${plugin}/${symptom}.txt`

/** Every golden file of the matrix by its path from the root of the repository, as the code makes them now. */
export async function symptomGoldens(): Promise<Record<string, string>> {
  const made: Record<string, string> = {}
  for (const plugin of plugins) {
    const from = await prepared(plugin)
    for (const symptom of symptoms) {
      const { text } = await play(plugin, from, symptom)
      made[`server/engines/simulated/symptoms/${goldenPath(plugin, symptom.name)}`] = text
    }
  }
  return made
}
