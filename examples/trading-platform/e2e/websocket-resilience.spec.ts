/** The desk through everything that happens to connections. */
import { ordersOf } from './ask'
import { axeFindings } from './axe'
import { type Desk, expect, test } from './desk'
import { newestOf } from './market'
import { PROXY_URL } from './ports'

const SYMBOLS = ['AAPL', 'GOOGL', 'MSFT', 'AMZN', 'NVDA', 'TSLA', 'META', 'NFLX', 'BTC']

/** Every quote since the page was opened, each once, up to the newest. */
const expectWhole = async (desk: Desk, symbols: readonly string[] = SYMBOLS): Promise<void> => {
  for (const symbol of symbols) {
    const { offset } = await newestOf(symbol)
    await expect(async () => {
      const { last } = await desk.count(symbol)
      expect(last).toBeGreaterThanOrEqual(offset)
    }).toPass({ timeout: 10_000 })
    const { received, first, last, ...faults } = await desk.count(symbol)
    expect(faults, symbol).toEqual({ missing: 0, doubled: 0, gaps: 0 })
    expect(received, symbol).toBe(last - first + 1)
  }
}

const accountOf = (desk: Desk): Promise<string> =>
  desk.page.evaluate(() => `account:${sessionStorage.getItem('account')}`)

/** Orders that the exchange itself has seen, asked past the proxy. */
const ordersAtMarket = async (desk: Desk): Promise<number> => {
  const account = (await accountOf(desk)).slice('account:'.length)
  return (await ordersOf(account)).length
}

test('connects, and shows live prices of every symbol', async ({ market, network, desk }) => {
  await market.start()
  await desk.open()
  await desk.reaches('OPEN')
  for (const symbol of SYMBOLS) await expect(desk.price(symbol)).toHaveText(/^[\d,]+\.\d\d$/)
  await desk.moves('AAPL', 3)
  expect(network.connections).toBe(1)
  await desk.connectionPage()
  expect(await desk.history()).toEqual(['OPEN', 'CONNECTING'])
  await expectWhole(desk)
})

test('comes back after the server was killed, and tells what nobody can know', async ({
  market,
  network: _network,
  desk,
}) => {
  await market.start()
  await desk.open()
  await desk.reaches('OPEN')
  await desk.moves('AAPL', 1)
  await market.kill()
  await desk.reaches('RECONNECTING')
  await market.start()
  await desk.reaches('OPEN')
  await desk.moves('AAPL', 2)
  await desk.connectionPage()
  const history = await desk.history()
  expect(history).toEqual(['OPEN', 'RECONNECTING Connection lost', 'OPEN', 'CONNECTING'])
  // The server forgot its history when it died, so every channel has one gap, and it is told.
  for (const symbol of SYMBOLS) {
    const { missing, doubled, gaps } = await desk.count(symbol)
    expect({ missing, doubled, gaps }, symbol).toEqual({ missing: 0, doubled: 0, gaps: 1 })
  }
})

test('writes into the console of the browser what happens to the connection, as the guide says', async ({
  market,
  network,
  desk,
}) => {
  const lines: string[] = []
  desk.page.on('console', message => lines.push(message.text()))
  /** Waits for a line. */
  const says = (line: RegExp): Promise<void> =>
    expect.poll(() => lines.some(each => line.test(each)), String(line)).toBe(true)
  await market.start()
  await desk.open()
  await desk.reaches('OPEN')
  await desk.moves('AAPL', 1)
  const url = PROXY_URL.replaceAll('.', '\\.')
  await says(new RegExp(`^\\[WebSocket\\] Connecting to ${url}/ws\\.\\.\\.$`))
  await says(/^\[WebSocket\] Connected$/)
  await says(/^\[WebSocket\] Received: \{.*"market_data"/)
  network.cut()
  await desk.reaches('RECONNECTING')
  await desk.reaches('OPEN')
  await says(/^\[WebSocket\] Connection closed: 1006/)
  await says(/^\[WebSocket\] Scheduling reconnect in \d+ms \(attempt 1\/5\)$/)
  await says(new RegExp(`^\\[WebSocket\\] Reconnecting to ${url}/ws\\.\\.\\.$`))
})

test('polls while WebSocket is blocked, with moving prices and a blue badge, and returns by itself', async ({
  market,
  network,
  desk,
}) => {
  await market.start()
  await desk.open()
  await desk.reaches('OPEN')
  network.rejectUpgrade(503)
  network.cut()
  await desk.reaches('RECONNECTING')
  await desk.reaches('FALLBACK')
  await desk.moves('AAPL', 3)
  await desk.order(10)
  // By POST, with the same acknowledgement.
  await expect(desk.orders()).toHaveAttribute('data-delivery', 'acked')
  await expect(desk.orders()).toHaveAttribute('data-state', 'filled')
  await desk.reaches('FALLBACK')
  await network.resume()
  await desk.reaches('OPEN')
  await desk.moves('AAPL', 1)
  await desk.connectionPage()
  await expectWhole(desk)
})

test('shows quotes of the standby while the server is down, and takes no orders for it', async ({
  market,
  network: _network,
  desk,
}) => {
  await market.start()
  await desk.open()
  await desk.reaches('OPEN')
  await market.kill()
  await desk.reaches('FALLBACK')
  await desk.moves('AAPL', 3)
  // Said where they stand: these are not the market's.
  const notice = desk.page.locator('.banner')
  await expect(notice).toContainText('The market server is away')
  for (const panel of ['.watchlist', '.chart', '.ticket']) {
    await expect(desk.page.locator(panel).getByText('second source')).toBeVisible()
  }
  await desk.order(10)
  const answer = await desk.page.request.post('/api/market/snapshot', {
    data: { sid: 'nobody', gen: 1, messages: [] },
  })
  expect(answer.status()).toBe(503)
  await desk.moves('AAPL', 2)
  await expect(desk.orders()).toHaveAttribute('data-delivery', 'queued')
  await market.start()
  await desk.reaches('OPEN')
  await expect(desk.page.getByText('second source')).toHaveCount(0)
})

test('an order placed while the market is away is acknowledged once when it is back', async ({
  market,
  network: _network,
  desk,
}) => {
  await market.start()
  await desk.open()
  await desk.reaches('OPEN')
  await desk.moves('AAPL', 1)
  await market.kill()
  await desk.reaches('FALLBACK')
  await desk.order(10)
  await desk.moves('AAPL', 2)
  await expect(desk.orders()).toHaveAttribute('data-delivery', 'queued')
  await market.start()
  await desk.reaches('OPEN')
  await expect(desk.orders()).toHaveAttribute('data-delivery', 'acked')
  await expect(desk.orders()).toHaveAttribute('data-state', 'filled')
  expect(await ordersAtMarket(desk)).toBe(1)
})

test('keeps orders while away, and delivers each once', async ({ market, network, desk }) => {
  await market.start()
  await desk.open()
  await desk.reaches('OPEN')
  await desk.moves('AAPL', 1)
  await network.refuse()
  network.cut()
  await desk.reaches('RECONNECTING')
  for (const quantity of [10, 20, 30]) await desk.order(quantity)
  await expect(desk.orders()).toHaveCount(3)
  for (const order of await desk.orders().all()) {
    await expect(order.getByTestId('order-delivery')).toHaveText('Queued')
  }
  await network.resume()
  await desk.reaches('OPEN')
  for (const order of await desk.orders().all()) {
    await expect(order.getByTestId('order-delivery')).toHaveText('Acknowledged')
    await expect(order.getByTestId('order-state')).toHaveText(/^Filled at/)
  }
  await expect(desk.page.getByTestId('position')).toHaveText('60')
  await desk.connectionPage()
  // Working and filled, for each of the three: an order taken twice would say more.
  const { received, doubled } = await desk.count(await accountOf(desk))
  expect({ received, doubled }).toEqual({ received: 6, doubled: 0 })
})

test('an order whose acknowledgement was lost is sent again and applied once', async ({
  market,
  network,
  desk,
}) => {
  await market.start()
  await desk.open()
  await desk.reaches('OPEN')
  await desk.moves('AAPL', 1)
  network.blackhole({ down: true })
  await desk.order(10)
  await expect(desk.orders()).toHaveAttribute('data-delivery', 'in-flight')
  await expect(async () => expect(await ordersAtMarket(desk)).toBe(1)).toPass()
  network.cut()
  network.heal()
  await desk.reaches('OPEN')
  await expect(desk.orders()).toHaveAttribute('data-delivery', 'acked')
  await expect(desk.orders()).toHaveAttribute('data-state', 'filled')
  await desk.connectionPage()
  const { received, doubled, gaps } = await desk.count(await accountOf(desk))
  expect({ received, doubled, gaps }).toEqual({ received: 2, doubled: 0, gaps: 0 })
})

test('an order that is taken back while it waits is never sent', async ({
  market,
  network,
  desk,
}) => {
  await market.start()
  await desk.open()
  await desk.reaches('OPEN')
  await desk.moves('AAPL', 1)
  await network.refuse()
  network.cut()
  await desk.reaches('RECONNECTING')
  await desk.order(10)
  await desk.page.getByRole('button', { name: 'Cancel buy 10 AAPL' }).click()
  await expect(desk.orders().getByTestId('order-delivery')).toHaveText('Failed')
  await network.resume()
  await desk.reaches('OPEN')
  await desk.order(20)
  await expect(desk.orders().first()).toHaveAttribute('data-state', 'filled')
  await expect(desk.page.getByTestId('position')).toHaveText('20')
  expect(await ordersAtMarket(desk)).toBe(1)
})

test('notices a black hole by the heartbeat', async ({ market, network, desk }) => {
  await market.start({ WS_HEARTBEAT_MS: '1000', WS_HEARTBEAT_TIMEOUT_MS: '1000' })
  await desk.open()
  await desk.reaches('OPEN')
  await desk.moves('AAPL', 1)
  network.blackhole()
  await desk.reaches('RECONNECTING')
  network.heal()
  await desk.reaches('OPEN')
  await desk.moves('AAPL', 1)
  await desk.connectionPage()
  const history = await desk.history()
  expect(history).toContain('RECONNECTING Heartbeat timeout')
  await expectWhole(desk)
})

test('says so when the market limits the rate, and loses no order to it', async ({
  market,
  network: _network,
  desk,
}) => {
  // The client keeps to the rate that it is told. So it is told a higher one than the market allows.
  await market.start({ WS_RATE_LIMIT: '12' })
  await desk.page.routeWebSocket(/\/ws$/, socket => {
    const server = socket.connectToServer()
    server.onMessage(frame => socket.send(String(frame).replace('"limit":12', '"limit":1000')))
  })
  await desk.open()
  await desk.reaches('OPEN')
  await desk.moves('AAPL', 1)
  const notice = desk.page.getByTestId('rate-limit')
  await expect(notice).toBeHidden()
  await desk.page.evaluate(() => {
    const place = document.querySelector<HTMLButtonElement>('button.place')
    for (let orders = 0; orders < 30; orders++) place?.click()
  })
  await expect(notice).toBeVisible()
  await expect(desk.orders()).toHaveCount(30)
  await expect(desk.page.locator('[data-testid=order][data-state=filled]')).toHaveCount(30)
  await expect(desk.page.getByTestId('position')).toHaveText('300')
  await expect(notice).toBeHidden()
  await desk.connectionPage()
  const { received, doubled } = await desk.count(await accountOf(desk))
  expect({ received, doubled }).toEqual({ received: 60, doubled: 0 })
})

test('shows every price once, across cuts, a black hole and polling', async ({
  market,
  network,
  desk,
}) => {
  await market.start({ WS_HEARTBEAT_MS: '1000', WS_HEARTBEAT_TIMEOUT_MS: '1000' })
  await desk.open()
  await desk.reaches('OPEN')
  await desk.moves('AAPL', 2)
  for (let cuts = 0; cuts < 3; cuts++) {
    network.cut()
    await desk.reaches('RECONNECTING')
    await desk.reaches('OPEN')
    await desk.moves('AAPL', 1)
  }
  network.blackhole()
  await desk.reaches('RECONNECTING')
  network.heal()
  await desk.reaches('OPEN')
  network.rejectUpgrade(503)
  network.rst()
  await desk.reaches('FALLBACK')
  await desk.moves('AAPL', 2)
  await network.resume()
  await desk.reaches('OPEN')
  await desk.moves('AAPL', 2)
  await desk.connectionPage()
  await expectWhole(desk)
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing, ${colorScheme}: connected, with an order, cut off, disconnected, and on the page of the connection`, async ({
    market,
    network,
    desk,
  }) => {
    const { page } = desk
    const findings = (): Promise<unknown> => axeFindings(page)
    await page.emulateMedia({ colorScheme })
    await market.start()
    await desk.open()
    await desk.reaches('OPEN')
    await desk.moves('AAPL', 1)
    await desk.order(10)
    await expect(desk.orders()).toHaveAttribute('data-state', 'filled')
    expect(await findings()).toEqual([])
    await network.refuse()
    network.cut()
    await expect(page.locator('.banner')).toBeVisible()
    expect(await findings()).toEqual([])
    await desk.connectionPage()
    expect(await findings()).toEqual([])
    await page.getByRole('button', { name: 'Disconnect' }).click()
    await desk.reaches('CLOSED')
    await page.getByRole('link', { name: 'Desk' }).click()
    // What nobody updates any more grows old, and says so wherever it stands.
    for (const price of ['.watchlist tr', '.chart .last', '.ticket .unit', '.position']) {
      await expect(page.locator(`${price}[data-stale=true]`).first()).toBeVisible()
    }
    await expect(page.locator('.chart')).toContainText(/\d+ s old/)
    await expect(page.locator('.ticket .note')).toContainText('Disconnected')
    await expect(page.locator('.banner')).toBeVisible()
    expect(await findings()).toEqual([])
  })
}
