/** Orders, through what happens to pages, markets and connections. */
import { ordersOf } from './ask'
import { expect, test } from './desk'

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
