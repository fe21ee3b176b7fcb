import { register } from 'node:module'

// Node from 22.18 on reads TypeScript itself; an older one is given a loader that does, and whose stack traces name the source's lines.
if (!process.features.typescript) {
  register('./typescript-loader.mjs', import.meta.url)
  process.setSourceMapsEnabled(true)
}
