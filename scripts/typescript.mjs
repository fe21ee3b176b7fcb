// Node from 22.18 on reads TypeScript itself; an older one is given a loader that does.
if (!process.features.typescript) (await import('tsx/esm/api')).register()
