import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
const entries = Object.keys(manifest.exports).filter(entry => !entry.endsWith('.json'))

const nameOf = (entry: string): string => `resilient-websocket${entry.slice(1)}`

/** Runs a module in a fresh Node, where the package refers to itself by its name. */
const run = (text: string): string =>
  execFileSync(process.execPath, ['--input-type=module', '--eval', text], { cwd: root })
    .toString()
    .trim()

describe('the built package', () => {
  test.each(entries)('%s imports by its name, and touches nothing', entry => {
    // The frameworks themselves may touch what they like.
    const peers = Object.keys(manifest.peerDependencies)
    const names = run(
      `for (const peer of ${JSON.stringify(peers)}) await import(peer)
       const before = Object.getOwnPropertyNames(globalThis).join()
       const entry = await import('${nameOf(entry)}')
       if (Object.getOwnPropertyNames(globalThis).join() !== before) throw new Error('a global was touched')
       console.log(Object.keys(entry).join())`,
    )
    expect(names.split(',').length).toBeGreaterThan(0)
  })

  test('mitt and nanoid stay dependencies, and no type of mitt leaves the package', () => {
    const code = readFileSync(`${root}dist/index.js`, 'utf8')
    expect(code).toMatch(/from ["']mitt["']/)
    expect(code).toMatch(/from ["']nanoid["']/)
    expect(readFileSync(`${root}dist/index.d.ts`, 'utf8')).not.toContain('mitt')
    expect(Object.keys(manifest.dependencies).sort()).toEqual(['mitt', 'nanoid', 'ws'])
  })

  test('a page that imports the client ships nothing of the server or of the fakes', async () => {
    const { metafile } = await build({
      stdin: {
        contents: `export { createResilientWebSocket } from 'resilient-websocket'`,
        resolveDir: root,
      },
      bundle: true,
      format: 'esm',
      platform: 'browser',
      // Not the sources that tsconfig's paths point to.
      tsconfigRaw: {},
      write: false,
      metafile: true,
    })
    const inputs = Object.keys(metafile.inputs).filter(input => !input.startsWith('<'))
    expect(inputs.every(input => /dist\/index\.js|node_modules\/(mitt|nanoid)\//.test(input))).toBe(
      true,
    )
  })
  test("an adapter uses the package's own client, not a copy of it", () => {
    for (const name of ['react', 'vue', 'indicator']) {
      const code = readFileSync(`${root}dist/${name}/index.js`, 'utf8')
      expect(code).not.toContain('[WebSocket]')
      expect(readFileSync(`${root}dist/${name}/index.d.ts`, 'utf8')).toMatch(
        /from ['"]resilient-websocket['"]/,
      )
    }
  })

  test('hooks say that they are for the browser, as server components ask', () => {
    expect(readFileSync(`${root}dist/react/index.js`, 'utf8')).toMatch(/^['"]use client['"]/)
  })
})
