// A worker thread does not inherit the loader for TypeScript: it registers one of its own, then becomes the worker.
import { register } from 'tsx/esm/api'

register()
await import('./worker.ts')
