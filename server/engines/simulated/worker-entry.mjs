// A worker thread does not inherit the loader for TypeScript: it registers one of its own, then becomes the worker.
import '../../../scripts/typescript.mjs'

await import('./worker.ts')
