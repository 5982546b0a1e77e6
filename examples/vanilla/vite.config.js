import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

/** @param {string} file */
const built = file => fileURLToPath(new URL(`../../dist/${file}`, import.meta.url))

export default defineConfig({
  // Inside this repository the package is its own build. In yours it comes from npm.
  resolve: {
    alias: {
      'resilient-websocket/indicator': built('indicator/index.js'),
      'resilient-websocket': built('index.js'),
    },
  },
})
