import { defineConfig, type ViteUserConfig } from 'vitest/config'
import './vitest.config.ts'

/** Tests of the built package: what `npm run build` has left in dist/. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ['test/built/**/*.test.ts', 'test/browser/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
})

export default config
