import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { mockServer } from './mock/plugin.ts'

/**
 * `vite build client` builds the page; `vite client` serves it in front of a running server (FAULTLINE_SERVER);
 * `vite client --mode mock` serves it with a pretended server, for looking at every view.
 */
export default defineConfig(({ mode }) => {
  const server = process.env.FAULTLINE_SERVER ?? 'http://127.0.0.1:7070'
  return {
    plugins: [react(), ...(mode === 'mock' ? [mockServer()] : [])],
    build: { outDir: '../dist/client', emptyOutDir: true, target: 'es2022', chunkSizeWarningLimit: 700 },
    ...(mode === 'mock' ? {} : { server: { proxy: { '/api': server, '/socket.io': { target: server, ws: true } } } }),
  }
})
