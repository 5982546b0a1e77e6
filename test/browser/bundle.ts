/** A page that runs a few lines on the built package. */
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** As one script; the package's name means what `npm run build` has left, as for a user. */
export const bundle = async (contents: string, loader: 'ts' | 'tsx' = 'ts'): Promise<string> => {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root, loader },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    define: { 'process.env.NODE_ENV': '"production"', __VUE_PROD_DEVTOOLS__: 'false' },
    // Not the sources that tsconfig's paths point to.
    tsconfigRaw: { compilerOptions: { jsx: 'react-jsx' } },
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}
