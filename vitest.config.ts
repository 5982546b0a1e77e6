import { fileURLToPath } from 'node:url'
import { defineConfig, type ViteUserConfig } from 'vitest/config'

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

const config: ViteUserConfig = defineConfig({
  resolve: {
    alias: [
      { find: 'resilient-websocket/basic', replacement: source('src/basic.ts') },
      { find: 'resilient-websocket/react/basic', replacement: source('src/react/basic.ts') },
      { find: 'resilient-websocket/vue/basic', replacement: source('src/vue/basic.ts') },
      { find: 'resilient-websocket/react', replacement: source('src/react/index.ts') },
      { find: 'resilient-websocket/vue', replacement: source('src/vue/index.ts') },
      { find: 'resilient-websocket/indicator', replacement: source('src/indicator/index.ts') },
      { find: 'resilient-websocket/server', replacement: source('src/server/index.ts') },
      { find: 'resilient-websocket/protocols', replacement: source('src/protocols/index.ts') },
      { find: 'resilient-websocket/testing', replacement: source('src/testing/index.ts') },
      { find: 'resilient-websocket', replacement: source('src/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.{ts,tsx}'],
    exclude: ['test/browser/**', 'test/built/**'],
    typecheck: {
      enabled: true,
      include: ['test/types/**/*.test-d.{ts,tsx}'],
      tsconfig: 'tsconfig.json',
    },
    testTimeout: 20_000,
  },
})

export default config
