import { rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { defineConfig, type Options } from 'tsup'

// tsup 8, the last one for Node 20, sets `baseUrl`, which TypeScript 6 calls deprecated.
const dts = { compilerOptions: { ignoreDeprecations: '6.0' } }

const shared: Options = {
  format: 'esm',
  target: 'es2022',
  dts,
  // The code ships as it was written, unminified: maps would triple the package.
  sourcemap: false,
  treeshake: true,
  splitting: false,
  // CommonJS without comments and blanks: nobody reads both, and the package would be twice as large.
  esbuildOptions(options, { format }) {
    options.minifyWhitespace = options.minifySyntax = format === 'cjs'
  },
}

/** The adapters import the client by the package's own name, as their users do: never a copy of it. */
const adapter: Options = {
  ...shared,
  platform: 'neutral',
  external: [/^resilient-websocket/],
  // Rollup, which tsup shakes trees with, drops 'use client'; esbuild leaves nothing unused here either.
  treeshake: false,
}

/** For `require()`, as Jest does it: without comments, which would double the package. nanoid has no CommonJS, so that these files hold it. */
const commonJs: Options = {
  ...shared,
  format: 'cjs',
  noExternal: ['nanoid'],
}

const frameworks = {
  'react/index': 'src/react/index.ts',
  'react/basic': 'src/react/basic.ts',
  'vue/index': 'src/vue/index.ts',
  'vue/basic': 'src/vue/basic.ts',
}
/** Together, so that both entries have the same errors, and a page that uses both loads what they share once. */
const client = { index: 'src/index.ts', basic: 'src/basic.ts' }

/** esbuild splits no CommonJS: entries are doors to one file, so that they have the same errors, and the same clients. */
const writeDoors = async (file: string, entries: readonly string[]): Promise<void> => {
  for (const entry of entries) {
    const [folder = ''] = entry.match(/^.*\//) ?? []
    const name = entry.slice(folder.length)
    const text = `module.exports = require('./${file.slice(folder.length)}.cjs').${name}\n`
    await writeFile(`dist/${entry}.cjs`, text)
  }
}

// Before any of them begins: `clean` of one removes what another has written already.
rmSync('dist', { recursive: true, force: true })

const config: ReturnType<typeof defineConfig> = defineConfig([
  { ...shared, entry: client, platform: 'neutral', splitting: true },
  {
    ...commonJs,
    entry: { client: 'src/both.ts' },
    // nanoid's build for browsers, which asks Node for nothing.
    platform: 'browser',
    dts: false,
    onSuccess: () => writeDoors('client', ['index', 'basic']),
  },
  { ...commonJs, entry: client, dts: { ...dts, only: true } },
  {
    ...shared,
    entry: { browser: 'src/browser.ts' },
    platform: 'browser',
    noExternal: [/./],
    minify: true,
    dts: false,
  },
  {
    ...shared,
    format: ['esm', 'cjs'],
    entry: { 'testing/index': 'src/testing/index.ts' },
    platform: 'neutral',
    external: ['resilient-websocket'],
  },
  {
    ...shared,
    format: ['esm', 'cjs'],
    entry: { 'protocols/index': 'src/protocols/index.ts' },
    platform: 'neutral',
  },
  {
    ...shared,
    // Together, so that the command line holds no second copy of the server.
    entry: { 'server/index': 'src/server/index.ts', 'cli/index': 'src/cli/index.ts' },
    platform: 'node',
    splitting: true,
    // An optional dependency, which tsup would bundle.
    external: ['ws'],
  },
  {
    ...adapter,
    format: ['esm', 'cjs'],
    entry: { 'indicator/index': 'src/indicator/index.ts' },
  },
  // Together, so that both use one registry of shared clients.
  { ...adapter, entry: frameworks, splitting: true },
  ...['react', 'vue'].flatMap((framework): Options[] => [
    {
      ...adapter,
      entry: { [`${framework}/both`]: `src/${framework}/both.ts` },
      format: 'cjs',
      dts: false,
      onSuccess: () =>
        writeDoors(`${framework}/both`, [`${framework}/index`, `${framework}/basic`]),
    },
  ]),
  { ...adapter, entry: frameworks, format: 'cjs', dts: { ...dts, only: true } },
])

export default config
