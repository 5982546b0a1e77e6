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
  // Rollup, which tsup shakes trees with, drops the banner; esbuild alone leaves nothing unused here.
  treeshake: false,
}

const config: ReturnType<typeof defineConfig> = defineConfig([
  { ...shared, entry: { index: 'src/index.ts' }, platform: 'neutral', clean: true },
  { ...shared, entry: { 'testing/index': 'src/testing/index.ts' }, platform: 'neutral' },
  { ...shared, entry: { 'server/index': 'src/server/index.ts' }, platform: 'node' },
  { ...shared, entry: { 'cli/index': 'src/cli/index.ts' }, platform: 'node', dts: false },
  {
    ...adapter,
    entry: { 'react/index': 'src/react/index.ts' },
    // Frameworks with server components take hooks only from modules that say so.
    banner: { js: "'use client'" },
  },
])

export default config
