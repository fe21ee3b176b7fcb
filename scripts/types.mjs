// Type-checks each layer with the types that it may know: the simulator without Node or DOM, the page without Node.
import { spawnSync } from 'node:child_process'

const layers = ['protocol', 'simulator', 'userland', 'server', 'client', 'client/mock']
const failed = layers.filter((layer) => {
  const result = spawnSync(process.execPath, ['node_modules/@typescript/native/bin/tsc', '-p', layer], { stdio: 'inherit' })
  return result.status !== 0
})
if (failed.length > 0) {
  console.error(`types: errors in ${failed.join(', ')}`)
  process.exit(1)
}
console.log(`types: ${layers.length} layers`)
