import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'

// Not `import.meta.url`: where a test plays a page that is no file.
const root = `${process.cwd()}/`

/** Where bundles go: inside the project, so that they find its packages. */
export const BUNDLES: string = `${root}node_modules/.cache/doc-examples/`

/** The URL that examples name. It belongs to whoever runs the demo; tests put their own server's in its place. */
const EXAMPLE_URL = 'ws://localhost:3001/ws'

export interface BundleOptions {
  /** The server of the test. */
  readonly url: string
  readonly name: string
  /** Which build of a package is taken, by its `exports`. @default Node's */
  readonly conditions?: string[]
  readonly external?: string[]
}

/** Runs an example of the docs as it stands, on the sources, and gives what it exports. */
export const runExample = async (
  code: string,
  { url, name, conditions = [], external = [] }: BundleOptions,
): Promise<Record<string, unknown>> => {
  const outfile = `${BUNDLES}${name}.mjs`
  await build({
    stdin: { contents: code.replaceAll(EXAMPLE_URL, url), resolveDir: root, loader: 'ts' },
    alias: {
      'resilient-websocket/indicator': `${root}src/indicator/index.ts`,
      'resilient-websocket/server': `${root}src/server/index.ts`,
      'resilient-websocket/testing': `${root}src/testing/index.ts`,
      'resilient-websocket': `${root}src/index.ts`,
    },
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    conditions,
    external: ['mitt', 'nanoid', 'ws', 'redis', ...external],
  })
  return import(pathToFileURL(outfile).href)
}
