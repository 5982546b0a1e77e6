/** The desk in every colour of its badge, light and dark, wide and narrow, and the page of the connection. */
import { fileURLToPath } from 'node:url'
import type { Page } from '@playwright/test'
import sharp from 'sharp'
import { type Desk, test } from './desk'

const FOLDER = fileURLToPath(new URL('../../../docs/images/', import.meta.url))

const SHAPES = {
  desktop: { width: 1280, height: 760 },
  phone: { width: 390, height: 844 },
}

/** A palette is enough for a page, and a quarter of the bytes. */
const picture = async (page: Page, name: string): Promise<void> => {
  await page.mouse.move(0, 0)
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
  const png = await page.screenshot()
  await sharp(png).png({ palette: true, quality: 90, effort: 10 }).toFile(`${FOLDER}${name}.png`)
}

const shapes = async (desk: Desk, name: string): Promise<void> => {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [shape, size] of Object.entries(SHAPES)) {
      await desk.page.emulateMedia({ colorScheme })
      await desk.page.setViewportSize(size)
      // The chart paints itself anew, and prices move meanwhile.
      await desk.page.waitForTimeout(700)
      await picture(desk.page, `platform-${name}-${colorScheme}-${shape}`)
    }
  }
}

const select = (desk: Desk, symbol: string): Promise<void> =>
  desk.page.getByRole('button', { name: symbol, exact: true }).click()

test.use({ viewport: SHAPES.desktop })
test.setTimeout(240_000)

test('the desk in four colours', async ({ market, network, desk }) => {
  await market.start({ WS_HEARTBEAT_MS: '2000' })
  await desk.open()
  await desk.reaches('OPEN')
  // Long enough for some signals and alerts.
  await desk.page.waitForTimeout(60_000)
  await desk.order(40)
  await select(desk, 'NVDA')
  await desk.order(100)
  await select(desk, 'AAPL')
  await desk.order(15, 'Sell')
  await desk.moves('AAPL', 4)
  await shapes(desk, 'green')

  // A dial that hangs keeps it reconnecting long enough for four pictures.
  network.hang()
  network.cut()
  await desk.reaches('RECONNECTING')
  await desk.order(25)
  await desk.page.waitForTimeout(3000)
  await shapes(desk, 'yellow')
  await network.resume()
  await desk.reaches('OPEN')
  await desk.moves('AAPL', 2)

  network.rejectUpgrade(503)
  network.cut()
  await desk.reaches('FALLBACK')
  await desk.moves('AAPL', 3)
  await desk.order(10)
  await shapes(desk, 'blue')
  await network.resume()
  await desk.reaches('OPEN')
  await desk.moves('AAPL', 2)

  await desk.connectionPage()
  await desk.page.emulateMedia({ colorScheme: 'light' })
  await desk.page.setViewportSize(SHAPES.desktop)
  await desk.page.waitForTimeout(1500)
  await picture(desk.page, 'platform-connection')

  await desk.page.getByRole('button', { name: 'Disconnect' }).click()
  await desk.page.getByRole('link', { name: 'Desk' }).click()
  await desk.page.waitForTimeout(12_000)
  // A market order on an old price asks first.
  await desk.order(5)
  await shapes(desk, 'red')
})
