import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const read = (path: string): Record<string, unknown> =>
  JSON.parse(readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8'))

// `npm ci` in an example installs what the lock file says the library needs, and says nothing if that is old.
test.each([
  'examples/trading-platform',
  'examples/vue',
  'test/jest',
  'test/runtimes',
  'test/peers',
])("%s locks the library's dependencies as they are", folder => {
  const packages = read(`${folder}/package-lock.json`)['packages'] as Record<
    string,
    { dependencies?: unknown }
  >
  const locked = packages['node_modules/resilient-websocket']?.dependencies
  expect(
    locked,
    `delete the entry of resilient-websocket from the lock file, then npm i in ${folder}`,
  ).toEqual(read('package.json')['dependencies'])
})
