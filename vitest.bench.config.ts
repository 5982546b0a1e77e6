import { defineConfig, type ViteUserConfig } from 'vitest/config'
import './vitest.config.ts'

/** Measurements in a browser; they print, and hold nothing. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ['bench/**/*.bench.ts'],
    testTimeout: 3_600_000,
    fileParallelism: false,
    silent: false,
    disableConsoleIntercept: true,
  },
})

export default config
