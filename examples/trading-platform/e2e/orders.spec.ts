/** Orders, through what happens to pages, markets and connections. */
import { ordersOf } from './ask'
import { axeFindings } from './axe'
import { type Desk, expect, test } from './desk'

test('orders keep their places and their times when the page is loaded anew', async ({
  market,
  network: _network,
  desk,
}) => {
  await market.start()
  await desk.open()
  await desk.reaches('OPEN')
  await desk.moves('AAPL', 1)
  for (const quantity of [10, 20, 30]) await desk.order(quantity)
  await expect(desk.page.locator('[data-testid=order][data-state=filled]')).toHaveCount(3)
  const rows = (): Promise<unknown> =>
    desk
      .orders()
      .evaluateAll(all =>
        all.map(row => [
          row.querySelector('time')?.dateTime,
          row.textContent?.match(/\d+ AAPL/)?.[0],
        ]),
      )
  const before = await rows()
  await desk.page.reload()
  await desk.reaches('OPEN')
  await expect(desk.orders()).toHaveCount(3)
  expect(await rows()).toEqual(before)
})

test.describe('a market order on a price that is old', () => {
  /** Disconnected, until the page calls its prices old. */
  const oldPrices = async (desk: Desk): Promise<void> => {
    await desk.open()
    await desk.reaches('OPEN')
    await desk.moves('AAPL', 1)
    await desk.connectionPage()
    await desk.page.getByRole('button', { name: 'Disconnect' }).click()
    await desk.reaches('CLOSED')
    await desk.page.getByRole('link', { name: 'Desk' }).click()
    await expect(desk.page.locator('.ticket .note')).toContainText(
      /The price is \d+ s old: a market order will ask first/,
    )
  }

  test('asks first, with the safe answer under the hand; at any price it waits, and goes out once', async ({
    market,
    network: _network,
    desk,
  }) => {
    await market.start()
    await oldPrices(desk)
    await desk.order(10)
    const question = desk.page.getByRole('alertdialog')
    await expect(question).toContainText(/The price is \d+ s old/)
    await expect(desk.orders()).toHaveCount(0)
    expect(await axeFindings(desk.page)).toEqual([])
    const limit = question.getByRole('button', { name: /^Make it a limit order at/ })
    await expect(limit).toBeFocused()
    await question.getByRole('button', { name: 'Do not place it' }).click()
    await expect(question).toBeHidden()
    await expect(desk.orders()).toHaveCount(0)
    await desk.order(10)
    await question.getByRole('button', { name: 'Buy 10 AAPL at any price' }).click()
    await expect(desk.orders()).toHaveAttribute('data-delivery', 'queued')
    await desk.connectionPage()
    await desk.page.getByRole('button', { name: 'Connect', exact: true }).click()
    await desk.reaches('OPEN')
    await desk.page.getByRole('link', { name: 'Desk' }).click()
    await expect(desk.orders()).toHaveCount(1)
    await expect(desk.orders()).toHaveAttribute('data-state', 'filled')
  })

  test('becomes a limit order at that price, which asks nothing', async ({
    market,
    network: _network,
    desk,
  }) => {
    await market.start()
    await oldPrices(desk)
    const last = (await desk.price('AAPL').innerText()).replaceAll(',', '')
    // Twice in a hurry: the second click must not place anything.
    await desk.page.locator('button.place').dblclick()
    await expect(desk.page.getByLabel('Type')).toHaveValue('limit')
    await expect(desk.page.getByRole('spinbutton', { name: 'Limit' })).toHaveValue(last)
    await expect(desk.orders()).toHaveCount(0)
    await desk.order(10)
    await expect(desk.orders()).toHaveAttribute('data-delivery', 'queued')
    await expect(desk.orders().locator('.at')).toHaveText(last)
  })

  test('asks no more once the price is fresh again', async ({
    market,
    network: _network,
    desk,
  }) => {
    await market.start()
    await oldPrices(desk)
    await desk.order(10)
    await expect(desk.page.getByRole('alertdialog')).toBeVisible()
    await desk.page.locator('connection-status').getByRole('button', { name: 'Try now' }).click()
    await desk.reaches('OPEN')
    await expect(desk.page.getByRole('alertdialog')).toBeHidden()
    await expect(desk.page.locator('.ticket .note')).toContainText('About')
    await desk.order(10)
    await expect(desk.orders()).toHaveAttribute('data-state', 'filled')
  })
})

test('a limit belongs to its symbol', async ({ market, network: _network, desk }) => {
  await market.start()
  await desk.open()
  await desk.reaches('OPEN')
  await desk.moves('AAPL', 1)
  await desk.moves('BTC', 1)
  const limit = desk.page.getByRole('spinbutton', { name: 'Limit' })
  await desk.page.getByLabel('Type').selectOption('limit')
  await limit.fill('200')
  await desk.page.getByRole('button', { name: 'BTC', exact: true }).click()
  await expect(limit).toHaveValue(/^\d{5}\.\d\d$/)
  await desk.page.getByRole('button', { name: 'AAPL', exact: true }).click()
  await expect(limit).toHaveValue('200')
})

test('a cancellation while away says that it waits, and goes out once', async ({
  market,
  network,
  desk,
}) => {
  await market.start()
  await desk.open()
  await desk.reaches('OPEN')
  await desk.moves('AAPL', 1)
  await desk.limitOrder(10)
  await expect(desk.orders()).toHaveAttribute('data-state', 'working')
  await network.refuse()
  network.cut()
  await desk.reaches('RECONNECTING')
  const cancel = desk.page.getByRole('button', { name: 'Cancel buy 10 AAPL' })
  await cancel.click()
  await expect(desk.orders().getByTestId('order-state')).toHaveText('Cancel waits')
  await expect(cancel).toBeHidden()
  await network.resume()
  await desk.reaches('OPEN')
  await expect(desk.orders()).toHaveAttribute('data-state', 'cancelled')
  await expect(desk.orders().getByTestId('order-state')).toHaveText('Cancelled')
})

test('what a restarted market has forgotten does not stay at work', async ({
  market,
  network: _network,
  desk,
}) => {
  await market.start()
  await desk.open()
  await desk.reaches('OPEN')
  await desk.moves('AAPL', 1)
  await desk.limitOrder(10)
  await expect(desk.orders()).toHaveAttribute('data-state', 'working')
  await market.kill()
  await desk.reaches('RECONNECTING')
  await market.start()
  await desk.reaches('OPEN')
  await expect(desk.orders().getByTestId('order-state')).toHaveText('Forgotten by the market')
  await expect(desk.orders().getByRole('button')).toHaveCount(0)
  const account = await desk.page.evaluate(() => sessionStorage.getItem('account'))
  expect(await ordersOf(String(account))).toEqual([])
})
