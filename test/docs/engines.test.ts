/** What is promised of Node holds for what is installed to work on the project. */
import { readFileSync } from 'node:fs'
import semver from 'semver'
import { expect, test } from 'vitest'

/** The oldest Node on which README promises `npm ci && npm start` and `npm ci && npm test`. */
const [, oldest = ''] =
  /with Node (\d+\.\d+) or newer/.exec(readFileSync('README.md', 'utf8')) ?? []

interface Locked {
  readonly engines?: { readonly node?: string }
  readonly optional?: boolean
}

test('README names the oldest Node', () => expect(oldest).toBe('20.19'))

test.each([
  'package-lock.json',
  'examples/trading-platform/package-lock.json',
  'examples/vue/package-lock.json',
])('%s holds no package that asks for a newer one', path => {
  const { packages } = JSON.parse(readFileSync(path, 'utf8')) as {
    packages: Record<string, Locked>
  }
  const newer = Object.entries(packages)
    // npm leaves out an optional package that does not fit, without a word.
    .filter(([, { optional }]) => !optional)
    .filter(([, { engines }]) => !semver.satisfies(`${oldest}.0`, engines?.node ?? '*'))
    .map(([name, { engines }]) => `${name} wants ${engines?.node}`)
  expect(newer).toEqual([])
})
