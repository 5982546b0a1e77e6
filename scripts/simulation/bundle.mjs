// One file of the simulation, with a rule broken if a mutant is named.
import { readFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../../', import.meta.url))
const cache = `${root}node_modules/.cache/simulation/`

const bundle = async (entry, name, plugins = []) => {
  const outfile = `${cache}${name.replace(/\W+/g, '-')}.mjs`
  await build({
    entryPoints: [`${root}test/simulation/${entry}`],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['ws'],
    logLevel: 'warning',
    plugins,
  })
  return pathToFileURL(outfile).href
}

export const loadMutants = async () => (await import(await bundle('mutants.ts', 'mutants'))).MUTANTS

const mutation = ({ name, file, also = [], ...first }) => ({
  name: 'mutation',
  setup(builder) {
    const path = `${root}src/${file}`
    builder.onLoad({ filter: /\.ts$/ }, args => {
      if (args.path !== path) return undefined
      let contents = readFileSync(path, 'utf8')
      for (const { find, replace } of [first, ...also]) {
        if (contents.split(find).length !== 2) {
          throw new Error(`mutant '${name}': expected its text once in src/${file}`)
        }
        contents = contents.replace(find, () => replace)
      }
      return { contents, loader: 'ts' }
    })
  },
})

/** The URL of a module with `runSeed`. */
export const bundleSimulation = async mutantName => {
  if (mutantName === undefined) return bundle('world.ts', 'whole')
  const mutants = await loadMutants()
  const mutant = mutants.find(({ name }) => name === mutantName)
  if (!mutant) {
    const names = mutants.map(({ name }) => `\n  ${name}`).join('')
    throw new Error(`--mutant: expected one of${names}\ngot '${mutantName}'`)
  }
  return bundle('world.ts', mutant.name, [mutation(mutant)])
}
