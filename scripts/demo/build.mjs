// @ts-check
/** Builds the library for `npm start`, which would otherwise be silent for half a minute. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const TSUP = ['node_modules/tsup/dist/cli-default.js', '--silent']

/**
 * Rejects where the build fails, whose own words have been printed by then.
 * @param {(words: string) => void} say
 * @param {readonly string[]} [script] What Node runs, from the root of the repository.
 */
export const buildLibrary = async (say, script = TSUP) => {
  say('Building the library, which takes about half a minute ...')
  const child = spawn(process.execPath, script, {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const end = () => child.kill()
  process.on('exit', end)
  const [code] = await once(child, 'exit')
  process.off('exit', end)
  if (code !== 0) throw new Error('The library could not be built: see above')
}
