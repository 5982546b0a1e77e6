/** One page in development, in React's StrictMode, with fast refresh: the server sees one connection. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import type { Browser, Page } from 'playwright-core'
import { createServer, type ResilientServer } from 'resilient-websocket/server'
import { createServer as createVite, type ViteDevServer } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { explainMissing, hasChromium, launch } from './chromium.ts'

explainMissing()

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const entry = (name: string): { find: RegExp; replacement: string } => ({
  find: new RegExp(`^resilient-websocket${name}$`),
  replacement: `${ROOT}dist${name}/index.js`,
})

describe.skipIf(!hasChromium)('fast refresh', () => {
  let folder: string
  let vite: ViteDevServer
  let server: ResilientServer
  let browser: Browser
  let page: Page
  let connected = 0
  const errors: string[] = []

  beforeAll(async () => {
    await mkdir(`${ROOT}test-results`, { recursive: true })
    folder = await mkdtemp(`${ROOT}test-results/refresh-`)
    await cp(fileURLToPath(new URL('refresh', import.meta.url)), folder, { recursive: true })
    vite = await createVite({
      configFile: false,
      root: folder,
      logLevel: 'error',
      plugins: [react()],
      resolve: { alias: ['/react', '/indicator', ''].map(entry) },
      // Found while the page loads, a dependency would load it anew.
      optimizeDeps: { include: ['react', 'react-dom/client', 'react/jsx-dev-runtime'] },
      server: {
        port: 47_205,
        // Left out otherwise.
        watch: { ignored: ['!**/test-results/**'] },
      },
    })
    await vite.listen()
    const pageUrl = String(vite.resolvedUrls?.local[0])
    server = createServer({ port: 0, allowedOrigins: [new URL(pageUrl).origin] })
    server.on('connection', () => void connected++)
    const { port } = await server.listen()
    browser = await launch()
    page = await browser.newPage()
    page.on('pageerror', error => errors.push(error.message))
    await page.goto(`${pageUrl}?url=${encodeURIComponent(`ws://localhost:${port}/ws`)}`)
  })

  afterAll(async () => {
    await browser?.close()
    await vite?.close()
    await server?.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** All at once: a change right behind another may not be noticed. */
  const edit = async (...changes: readonly (readonly [from: string, to: string])[]) => {
    let text = await readFile(`${folder}/Desk.tsx`, 'utf8')
    for (const [from, to] of changes) {
      expect(text).toContain(from)
      text = text.replace(from, to)
    }
    await writeFile(`${folder}/Desk.tsx`, text)
  }

  /** Everything on the page lives, and on one connection. */
  const expectOne = async (price: number): Promise<void> => {
    await page.locator('output').getByText('OPEN').waitFor()
    await page.locator('connection-status[data-status=OPEN]').waitFor()
    await server.publish('AAPL', { type: 'quote', data: price })
    await page.locator('b').getByText(String(price), { exact: true }).waitFor()
    expect([connected, server.connections()]).toEqual([1, 1])
  }

  test('two hooks, an indicator and a subscription: one connection, through remounts and edits', async () => {
    await expectOne(1)
    await page.evaluate('globalThis.sameDocument = true')

    await page.getByRole('button', { name: 'Mount anew' }).click()
    await page.locator('main > p').getByText('2').waitFor()
    await expectOne(2)

    // The state stays.
    await edit(['First version', 'Second version'])
    await page.getByText('Second version').waitFor()
    expect(await page.locator('main > p').textContent()).toBe('2')
    await expectOne(3)

    // Other hooks: the component is mounted anew, and so is what is below it.
    await edit(
      ['const [mounts', "const [title] = useState('Third version')\n  const [mounts"],
      ['Second version', '{title}'],
    )
    await page.getByText('Third version').waitFor()
    await expectOne(4)

    // And in a component that holds the connection itself.
    await edit(
      ['const { status } =', 'const [word] = useState("is ")\n  const { status } ='],
      ['<output>', '<output>{word}'],
    )
    await page.locator('output').getByText('is OPEN').waitFor()
    await expectOne(5)

    expect(await page.evaluate('globalThis.sameDocument')).toBe(true)
    expect(errors).toEqual([])
  })
})
