// `npm start`: builds the page when it is missing or older than its sources, then starts the server.
import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const built = 'dist/client/index.html'
if (newest(['client', 'protocol', 'package-lock.json']) > modified(built)) {
  console.log('Building the page (only after a change) …')
  const build = spawnSync(process.execPath, ['node_modules/vite/bin/vite.js', 'build', 'client', '--logLevel', 'warn'], {
    stdio: 'inherit',
  })
  if (build.status !== 0) {
    console.error('The page could not be built; the messages above say why. Run `npm ci` first if packages are missing.')
    process.exit(1)
  }
}
process.argv.splice(2, 0, 'start')
await import('./faultline.mjs')

function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/** The newest change below any of the paths, ms since the epoch. */
function newest(paths) {
  let latest = 0
  for (const path of paths) {
    const info = statSync(path, { throwIfNoEntry: false })
    if (!info) continue
    latest = Math.max(latest, info.mtimeMs)
    if (info.isDirectory()) latest = Math.max(latest, newest(readdirSync(path).map((name) => join(path, name))))
  }
  return latest
}
