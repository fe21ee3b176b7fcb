import { defineConfig } from 'vitest/config'

const quick = { testTimeout: 20_000, hookTimeout: 30_000 }

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...quick,
          name: 'unit',
          include: ['{simulator,userland,server,protocol,scripts}/**/*.test.ts'],
          exclude: ['**/node_modules/**'],
        },
      },
      {
        test: { ...quick, name: 'page', environment: 'happy-dom', include: ['client/**/*.test.{ts,tsx}'] },
      },
      { test: { ...quick, name: 'architecture', include: ['tests/architecture/*.test.ts'] } },
      {
        test: { testTimeout: 120_000, hookTimeout: 120_000, name: 'kubectl', include: ['tests/kubectl/*.test.ts'], fileParallelism: false },
      },
      { test: { testTimeout: 120_000, hookTimeout: 120_000, name: 'helm', include: ['tests/helm/*.test.ts'], fileParallelism: false } },
      {
        test: {
          testTimeout: 60_000,
          hookTimeout: 120_000,
          name: 'contract',
          include: ['tests/contract/*.test.ts'],
          fileParallelism: false,
        },
      },
      { test: { testTimeout: 120_000, hookTimeout: 120_000, name: 'fuzz', include: ['tests/fuzz/*.test.ts'], fileParallelism: false } },
      {
        test: { testTimeout: 120_000, hookTimeout: 120_000, name: 'browser', include: ['tests/browser/*.test.ts'], fileParallelism: false },
      },
    ],
  },
})
