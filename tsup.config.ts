import { defineConfig, type Options } from 'tsup'

const shared: Options = {
  format: 'esm',
  target: 'es2022',
  dts: true,
  sourcemap: true,
  treeshake: true,
  splitting: false,
}

/** The adapters import the client by the package's own name, as their users do: never a copy of it. */
const adapter: Options = {
  ...shared,
  platform: 'neutral',
  external: ['resilient-websocket'],
  // Rollup, which tsup shakes trees with, drops 'use client'; esbuild leaves nothing unused here either.
  treeshake: false,
}

const config: ReturnType<typeof defineConfig> = defineConfig([
  { ...shared, entry: { index: 'src/index.ts' }, platform: 'neutral', clean: true },
  { ...shared, entry: { 'testing/index': 'src/testing/index.ts' }, platform: 'neutral' },
  { ...shared, entry: { 'server/index': 'src/server/index.ts' }, platform: 'node' },
  { ...shared, entry: { 'cli/index': 'src/cli/index.ts' }, platform: 'node', dts: false },
  {
    ...adapter,
    // Together, so that both use one registry of shared clients.
    entry: { 'react/index': 'src/react/index.ts', 'vue/index': 'src/vue/index.ts' },
    splitting: true,
  },
  { ...adapter, entry: { 'indicator/index': 'src/indicator/index.ts' } },
])

export default config
