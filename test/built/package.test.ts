import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
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
    // What a framework does to globals is its own.
    const peers = JSON.stringify(Object.keys(manifest.peerDependencies))
    const names = run(
      `await Promise.all(${peers}.map(name => import(name)))
       const before = Object.getOwnPropertyNames(globalThis).join()
       const entry = await import('${nameOf(entry)}')
       if (Object.getOwnPropertyNames(globalThis).join() !== before) throw new Error('a global was touched')
       console.log(Object.keys(entry).join())`,
    )
    expect(names.split(',').length).toBeGreaterThan(0)
  })

  test('mitt and nanoid stay dependencies, and no type of mitt leaves the package', () => {
    const chunks = readdirSync(`${root}dist`).filter(name => /^(index|chunk-\w+)\.js$/.test(name))
    const code = chunks.map(name => readFileSync(`${root}dist/${name}`, 'utf8')).join('\n')
    expect(code).toMatch(/from ["']mitt["']/)
    expect(code).toMatch(/from ["']nanoid["']/)
    for (const name of readdirSync(`${root}dist`).filter(each => each.endsWith('.d.ts'))) {
      expect(readFileSync(`${root}dist/${name}`, 'utf8')).not.toContain("'mitt'")
    }
    expect(Object.keys(manifest.dependencies).sort()).toEqual(['mitt', 'nanoid'])
  })

  test('ws, which only the server needs, can be left out', () => {
    expect(Object.keys(manifest.optionalDependencies)).toEqual(['ws'])
    const client = ['index.js', 'basic.js', 'client.cjs', 'browser.js']
    for (const file of client) {
      expect(readFileSync(`${root}dist/${file}`, 'utf8')).not.toMatch(/(from |require\()["']ws["']/)
    }
  })

  test('browser.js needs nothing else', async () => {
    const { metafile } = await build({
      entryPoints: [`${root}dist/browser.js`],
      write: false,
      metafile: true,
    })
    expect(Object.values(metafile.inputs).flatMap(({ imports }) => imports)).toEqual([])
    const names = run(`console.log(Object.keys(await import('./dist/browser.js')).join())`)
    expect(names.split(',')).toEqual(
      expect.arrayContaining(['createResilientWebSocket', 'describeConnection', 'envelope']),
    )
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
    const own = /dist\/(index|chunk-\w+)\.js|node_modules\/(mitt|nanoid)\//
    expect(inputs.every(input => own.test(input))).toBe(true)
  })

  /** What esbuild leaves of a page that imports this. */
  const page = async (contents: string): Promise<string> => {
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: root },
      bundle: true,
      format: 'esm',
      platform: 'browser',
      tsconfigRaw: {},
      write: false,
    })
    return outputFiles[0]?.text ?? ''
  }

  test('a page that imports raw and /basic ships no envelope, no sessions, no channels and no polling', async () => {
    const text = await page(
      `import { createResilientWebSocket, raw } from 'resilient-websocket/basic'
       createResilientWebSocket({ protocol: raw() })`,
    )
    expect(text).toContain('expected a string or binary data with raw()')
    for (const trace of [
      '"hello"',
      'symbols',
      'if-none-match',
      'bufferSize',
      'gen:',
      'FALLBACK_TABLE',
    ]) {
      expect(text).not.toContain(trace)
    }
    const all = await page(
      `import { createResilientWebSocket } from 'resilient-websocket'
       createResilientWebSocket()`,
    )
    for (const trace of ['"hello"', 'symbols', 'if-none-match', 'bufferSize', 'FALLBACK_TABLE']) {
      expect(all).toContain(trace)
    }
  })
})

describe('the tarball', () => {
  const [{ files, unpackedSize }] = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: root,
    }).toString(),
  ) as [{ files: { path: string }[]; unpackedSize: number }]
  const paths = files.map(({ path }) => path)
  const holds = (target: string): boolean =>
    paths.some(path => path === target || path.startsWith(`${target}/`))

  test('holds every file that the manifest names', () => {
    const named = [
      manifest.unpkg,
      ...Object.values(manifest.bin),
      ...(JSON.stringify(manifest.exports).match(/(?<=":")\.\/[^"]+/g) ?? []),
    ] as string[]
    for (const path of named) expect(paths).toContain(normalize(path))
  })

  test('holds no source maps, and stays below 1.55 MB', () => {
    expect(paths.filter(path => path.endsWith('.map'))).toEqual([])
    expect(unpackedSize).toBeLessThan(1_550_000)
  })

  test.each(paths.filter(path => path.endsWith('.md')))('no link in %s leads out of it', page => {
    const text = readFileSync(root + page, 'utf8').replace(/```[\s\S]*?```/g, '')
    const targets = [...text.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)].map(([, target = '']) => target)
    const local = targets.filter(target => !/^[a-z]+:/.test(target))
    const missing = local.filter(
      target => !holds(normalize(join(dirname(page), target)).replace(/\/$/, '')),
    )
    expect(missing).toEqual([])
  })
})
