import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

export default defineConfig({
  // Inside this repository the package is its own build. In yours it comes from npm.
  resolve: {
    alias: {
      'resilient-websocket': fileURLToPath(new URL('../../dist/index.js', import.meta.url)),
    },
  },
})
