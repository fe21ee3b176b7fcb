// `npm run dev`: the server restarts on a change, and Vite serves the page with hot reload, forwarding API and sockets to it.
import { spawn } from 'node:child_process'

const flags = process.argv.slice(2)
const port =
  /^--port=(.*)$/.exec(flags.find((flag) => flag.startsWith('--port=')) ?? '')?.[1] ??
  after('--port') ??
  process.env.FAULTLINE_PORT ??
  '7070'
// The page comes from Vite, so its origin is not the server's own.
const pages = ['localhost', '127.0.0.1'].flatMap((host) => [5173, 5174, 5175].map((each) => `http://${host}:${each}`))
const env = {
  ...process.env,
  FAULTLINE_SERVER: process.env.FAULTLINE_SERVER ?? `http://127.0.0.1:${port}`,
  FAULTLINE_ALLOW_ORIGIN: [process.env.FAULTLINE_ALLOW_ORIGIN, ...pages].filter(Boolean).join(','),
}
const children = [
  spawn(process.execPath, ['--import', './scripts/typescript.mjs', '--watch', 'scripts/cli/main.ts', 'start', ...flags], {
    stdio: 'inherit',
    env,
  }),
  spawn(process.execPath, ['node_modules/vite/bin/vite.js', 'client'], { stdio: 'inherit', env }),
]
const stop = () => {
  for (const child of children) child.kill('SIGTERM')
}
process.on('SIGINT', stop)
process.on('SIGTERM', stop)
for (const child of children) child.on('exit', stop)

function after(flag) {
  const at = flags.indexOf(flag)
  return at === -1 ? undefined : flags[at + 1]
}
