/** The page as its user sees it, and a network that can be hurt. */
import { test as base, expect, type Locator, type Page } from '@playwright/test'
// The library's own fault proxy: cut, refuse, black hole.
import { createFaultProxy } from '../../../scripts/demo/fault-proxy.mjs'
import { createMarket, type Market } from './market'
import { PORTS } from './ports'

export type Status = 'CONNECTING' | 'OPEN' | 'RECONNECTING' | 'FALLBACK' | 'CLOSED' | 'ERROR'

const COLORS: Readonly<Record<Status, string>> = {
  CONNECTING: 'yellow',
  OPEN: 'green',
  RECONNECTING: 'yellow',
  FALLBACK: 'blue',
  CLOSED: 'red',
  ERROR: 'red',
}

type FaultProxy = Awaited<ReturnType<typeof createFaultProxy>>

export interface Count {
  readonly received: number
  readonly first: number
  readonly last: number
  readonly missing: number
  readonly doubled: number
  readonly gaps: number
}

export interface Desk {
  readonly page: Page
  open(): Promise<void>
  /** Waits for a status, and for the badge to have its colour. */
  reaches(status: Status): Promise<void>
  price(symbol: string): Locator
  /** Waits until a price was another one so many times. */
  moves(symbol: string, times: number): Promise<void>
  order(quantity: number, side?: 'Buy' | 'Sell'): Promise<void>
  /** One that waits at the exchange: nobody sells at that price. */
  limitOrder(quantity: number): Promise<void>
  orders(): Locator
  /** Goes to the page of the connection, without loading anew. */
  connectionPage(): Promise<void>
  /** A value of the list of facts. On the page of the connection only. */
  fact(name: string): Promise<string>
  /** What arrived on a channel, counted by offsets. On the page of the connection only. */
  count(channel: string): Promise<Count>
  /** The statuses so far, newest first, each with its reason. On the page of the connection only. */
  history(): Promise<string[]>
}

const createDesk = (page: Page): Desk => {
  const badge = page.locator('connection-status')
  const price = (symbol: string): Locator => page.getByTestId(`price-${symbol}`)
  return {
    page,
    price,
    async open() {
      await page.goto('/')
    },
    async reaches(status) {
      await expect(badge).toHaveAttribute('data-status', status)
      await expect(badge.locator('.row')).toHaveAttribute('data-color', COLORS[status])
    },
    async moves(symbol, times) {
      for (let left = times; left > 0; left--) {
        const before = await price(symbol).innerText()
        await expect(price(symbol)).not.toHaveText(before)
        await expect(price(symbol)).toHaveText(/^[\d,]+\.\d\d$/)
      }
    },
    async order(quantity, side = 'Buy') {
      await page.getByRole('radio', { name: side }).check({ force: true })
      await page.getByLabel('Quantity').fill(String(quantity))
      await page.locator('button.place').click()
    },
    async limitOrder(quantity) {
      await page.getByLabel('Type').selectOption('limit')
      await page.getByRole('spinbutton', { name: 'Limit' }).fill('1')
      await this.order(quantity)
    },
    orders: () => page.getByTestId('order'),
    async connectionPage() {
      await page.getByRole('link', { name: 'Connection' }).click()
      await expect(page.getByTestId('history')).toBeVisible()
    },
    fact: name => page.locator('.facts dl div').filter({ hasText: name }).locator('dd').innerText(),
    async count(channel) {
      const cells = await page.getByTestId(`integrity-${channel}`).locator('td').allInnerTexts()
      const [received, offsets = '', missing, doubled, gaps] = cells
      const [first, last] = offsets.split('\u2013')
      const number = (text: string | undefined): number => Number(text?.replaceAll(',', '') || 0)
      return {
        received: number(received),
        first: number(first),
        last: number(last),
        missing: number(missing),
        doubled: number(doubled),
        gaps: number(gaps),
      }
    },
    async history() {
      const rows = await page.getByTestId('history').locator('tbody tr').all()
      return Promise.all(
        rows.map(async row => {
          const [, status, reason] = await row.locator('td').allInnerTexts()
          return `${status?.split(' ')[0]} ${reason}`.trim()
        }),
      )
    },
  }
}

export const test = base.extend<{ market: Market; network: FaultProxy; desk: Desk }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of the fixtures here
  market: async ({}, use) => {
    const market = createMarket()
    await use(market)
    await market.kill()
  },
  // biome-ignore lint/correctness/noEmptyPattern: as above
  network: async ({}, use) => {
    const network = await createFaultProxy({
      target: { host: '127.0.0.1', port: PORTS.server },
      port: PORTS.proxy,
    })
    await use(network)
    await network.close()
  },
  desk: async ({ page }, use) => {
    const errors: Error[] = []
    page.on('pageerror', error => errors.push(error))
    await use(createDesk(page))
    expect(errors, 'errors in the page').toEqual([])
  },
})

export { expect }
