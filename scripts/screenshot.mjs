// @ts-check
/** Takes the pictures in docs/images from the running demo: `npm run build && node scripts/screenshot.mjs`. */
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { startDemo } from './demo/demo.mjs'

/** @import { BrowserContextOptions, Page } from 'playwright-core' */

const FOLDER = fileURLToPath(new URL('../docs/images/', import.meta.url))
const HURRY = 'retryMs=1000&maxAttempts=2&probeMs=4000&pollMs=1000'
const HEARTBEAT = { intervalMs: 2000, timeoutMs: 1000 }

const demo = await startDemo({
  port: 0,
  serverPort: 0,
  proxyPort: 0,
  speed: 1,
  heartbeat: HEARTBEAT,
})
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: [
    '--disable-gpu',
    '--hide-scrollbars',
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  ],
})

/** @param {Page} page @param {string} status */
const reach = (page, status) => page.waitForSelector(`[data-testid=status][data-status=${status}]`)

/** @param {Page} page @param {number} seconds */
const watch = (page, seconds) => page.waitForTimeout(seconds * 1000)

/** @param {Page} page @param {string} words */
const send = async (page, words) => {
  await page.fill('#send-text', words)
  await page.click('#send [type=submit]')
}

/** @param {Page} page */
const cut = async page => {
  await page.click('[data-fault=cut]')
  await reach(page, 'RECONNECTING')
  await watch(page, 0.5)
  await send(page, 'Sent while the connection was down')
}

/** @param {Page} page */
const block = async page => {
  await page.click('[data-fault=block-websocket]')
  await reach(page, 'FALLBACK')
}

/** @param {Page} page */
const heal = async page => {
  await page.click('[data-fault=heal]')
  await reach(page, 'OPEN')
}

const healAll = () =>
  fetch(`${demo.url}/demo/heal`, { method: 'POST', headers: { origin: demo.url } })

/** @param {string} name @param {BrowserContextOptions} options @param {(page: Page) => Promise<unknown>} story */
const picture = async (name, options, story) => {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  await page.goto(`${demo.url}/?${HURRY}`)
  await reach(page, 'OPEN')
  await watch(page, 6)
  await story(page)
  await page.fill('#send-text', 'Hello')
  await page.locator('#send-text').blur()
  await page.mouse.move(0, 0)
  await watch(page, 0.5)
  await page.evaluate(() => scrollTo(0, 0))
  await page.screenshot({ path: `${FOLDER}${name}.png`, fullPage: !options.isMobile })
  await context.close()
  console.log(`${FOLDER}${name}.png`)
}

const desktop = { viewport: { width: 1240, height: 900 } }
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, deviceScaleFactor: 2 }

try {
  await picture(
    'demo',
    { ...desktop, colorScheme: 'light', deviceScaleFactor: 1.5 },
    async page => {
      await send(page, 'Hello')
      await cut(page)
      await reach(page, 'OPEN')
      await watch(page, 8)
      await block(page)
      await watch(page, 5)
      await heal(page)
      await watch(page, 12)
    },
  )
  await picture('demo-fallback', { ...desktop, colorScheme: 'dark' }, async page => {
    await send(page, 'Hello')
    await watch(page, 4)
    await block(page)
    await send(page, 'Sent while polling')
    await watch(page, 4)
  })
  await healAll()
  await picture('demo-phone', { ...phone, colorScheme: 'light' }, cut)
} finally {
  await browser.close()
  await demo.close()
}
