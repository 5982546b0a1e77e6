import { defineConfig, type Options } from 'tsup'

const shared: Options = {
  format: 'esm',
  target: 'es2022',
  dts: true,
  sourcemap: true,
  treeshake: true,
  splitting: false,
}

const config: ReturnType<typeof defineConfig> = defineConfig([
  { ...shared, entry: { index: 'src/index.ts' }, platform: 'neutral', clean: true },
  { ...shared, entry: { 'testing/index': 'src/testing/index.ts' }, platform: 'neutral' },
  { ...shared, entry: { 'server/index': 'src/server/index.ts' }, platform: 'node' },
  { ...shared, entry: { 'cli/index': 'src/cli/index.ts' }, platform: 'node', dts: false },
])

export default config
