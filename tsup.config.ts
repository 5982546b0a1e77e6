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
  // The core is the package's own, so that a page has it once.
  ...['react', 'vue', 'indicator'].map(
    (name): Options => ({
      ...shared,
      entry: { [`${name}/index`]: `src/${name}/index.ts` },
      platform: 'neutral',
      external: ['resilient-websocket', 'react', 'vue'],
      // For frameworks that render on a server by default.
      ...(name === 'react' && { banner: { js: "'use client'" }, treeshake: false }),
    }),
  ),
  { ...shared, entry: { 'testing/index': 'src/testing/index.ts' }, platform: 'neutral' },
  { ...shared, entry: { 'server/index': 'src/server/index.ts' }, platform: 'node' },
  { ...shared, entry: { 'cli/index': 'src/cli/index.ts' }, platform: 'node', dts: false },
])

export default config
