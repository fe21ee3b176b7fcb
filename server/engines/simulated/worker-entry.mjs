// A worker thread does not inherit the loader for TypeScript: it registers one of its own, then becomes the worker.
// Node from 22.18 on needs none. What it runs is faster, too: a loader that keeps names sets that of every closure each time it is made.
if (!process.features.typescript) (await import('tsx/esm/api')).register()
await import('./worker.ts')
