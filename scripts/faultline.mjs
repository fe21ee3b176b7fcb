#!/usr/bin/env node
import './typescript.mjs'

const { run } = await import('./cli/main.ts')
await run(process.argv.slice(2))
