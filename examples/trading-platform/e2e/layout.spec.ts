/** The page at every width between a phone and a desk. */
import { axeFindings } from './axe'
import { type Desk, expect, test } from './desk'

const WIDTHS = [320, 390, 768, 820, 1024, 1280]

/** What sticks out of the page, or of a panel that does not scroll. */
const sticksOut = (desk: Desk): Promise<string[]> =>
  desk.page.evaluate(() => {
    const found: string[] = []
    const { scrollWidth, clientWidth } = document.documentElement
    if (scrollWidth > clientWidth) found.push(`page by ${scrollWidth - clientWidth} px`)
    for (const panel of document.querySelectorAll('.panel, .panel .scroll, .top, .strip')) {
      const more = panel.scrollWidth - panel.clientWidth
      if (more > 0) found.push(`${panel.className} by ${more} px`)
    }
    return found
  })

test('nothing sticks out at any width, connected and cut off', async ({
  market,
  network,
  desk,
}) => {
  await market.start()
  await desk.open()
  await desk.reaches('OPEN')
  await desk.moves('AAPL', 1)
  await desk.order(10)
  await expect(desk.orders()).toHaveAttribute('data-state', 'filled')
  const found: Record<string, readonly string[]> = {}
  const look = async (what: string): Promise<void> => {
    for (const width of WIDTHS) {
      await desk.page.setViewportSize({ width, height: 844 })
      const out = await sticksOut(desk)
      if (out.length) found[`${what}, ${width} px`] = out
    }
  }
  await look('connected')
  await network.refuse()
  network.cut()
  await desk.reaches('RECONNECTING')
  await desk.limitOrder(20)
  await look('cut off')
  await desk.connectionPage()
  await look('connection')
  expect(found).toEqual({})
})

test('on a phone the head stays above what is scrolled under it, and tells when the next try is', async ({
  market,
  network,
  desk,
}) => {
  await desk.page.setViewportSize({ width: 390, height: 844 })
  await market.start()
  await desk.open()
  await desk.reaches('OPEN')
  await desk.moves('AAPL', 1)
  const onTop = await desk.page.evaluate(() => {
    const canvas = document.querySelector('.canvas') as HTMLElement
    scrollTo(0, canvas.getBoundingClientRect().top + scrollY - 10)
    const head = document.querySelector('.top') as HTMLElement
    const { left, right, top, bottom } = head.getBoundingClientRect()
    const hits: boolean[] = []
    for (let x = left + 4; x < right; x += 8) {
      hits.push(Boolean(document.elementFromPoint(x, (top + bottom) / 2)?.closest('.top')))
    }
    return hits
  })
  expect(onTop).not.toContain(false)
  network.hang()
  network.cut()
  await desk.reaches('RECONNECTING')
  await network.refuse()
  const badge = desk.page.locator('connection-status')
  await expect(badge.locator('[part=countdown]')).toBeVisible()
  await expect(badge.locator('[part=age]')).toBeVisible()
})

test('at 1440 by 900 no panel is mostly empty, on a market that has just begun', async ({
  market,
  network: _network,
  desk,
}) => {
  await desk.page.setViewportSize({ width: 1440, height: 900 })
  await market.start()
  await desk.open()
  await desk.reaches('OPEN')
  await desk.moves('AAPL', 1)
  await expect(desk.page.locator('.signals li').first()).toBeVisible()
  const blank = await desk.page.evaluate(() =>
    [...document.querySelectorAll('.panel')].map(panel => {
      const { top, height } = panel.getBoundingClientRect()
      const used = new Set<number>()
      for (const each of panel.querySelectorAll('*')) {
        if (each.firstElementChild && !each.matches('.canvas, button, label')) continue
        const { top: begin, bottom: end } = each.getBoundingClientRect()
        for (let y = Math.max(begin, top); y < Math.min(end, top + height); y++) {
          used.add(Math.floor(y - top))
        }
      }
      return [panel.className, Math.round((1 - used.size / height) * 100)] as const
    }),
  )
  expect(blank).toHaveLength(6)
  // In percent of the height; what lies between the lines is in it.
  expect(blank.filter(([, percent]) => percent > 50)).toEqual([])
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing at 1440 by 900 and on a phone, ${colorScheme}: connected, and while the market is dead`, async ({
    market,
    network: _network,
    desk,
  }) => {
    const { page } = desk
    const found: Record<string, readonly unknown[]> = {}
    const look = async (what: string): Promise<void> => {
      for (const [width, height] of [
        [1440, 900],
        [390, 844],
      ] as const) {
        await page.setViewportSize({ width, height })
        const findings = await axeFindings(page)
        if (findings.length) found[`${what}, ${width} px`] = findings
      }
    }
    await page.emulateMedia({ colorScheme })
    await market.start()
    await desk.open()
    await desk.reaches('OPEN')
    await desk.moves('AAPL', 1)
    for (let orders = 0; orders < 12; orders++) await desk.order(10)
    await expect(page.locator('[data-testid=order][data-state=filled]')).toHaveCount(12)
    await look('connected')
    await market.kill()
    await expect(page.locator('.banner')).toBeVisible()
    await look('the market killed')
    await desk.reaches('FALLBACK')
    await desk.moves('AAPL', 1)
    await expect(page.getByText('second source').first()).toBeVisible()
    await look('the second source')
    // Neither answers any more.
    await page.route('**/api/market/snapshot*', route => route.abort())
    await expect(page.locator('.banner')).toContainText('Nothing gets through', { timeout: 30_000 })
    await look('nothing at all')
    await page.locator('button.place').click()
    await expect(page.getByRole('alertdialog')).toBeVisible()
    await look('a question')
    // All of the ticket is there, also on a low screen.
    await page.setViewportSize({ width: 1280, height: 760 })
    const { inside, ticket } = await page.evaluate(() => {
      const bottom = (name: string) => document.querySelector(name)?.getBoundingClientRect().bottom
      return { inside: bottom('.position'), ticket: bottom('.ticket') }
    })
    expect(inside).toBeLessThan(ticket as number)
    expect(found).toEqual({})
  })
}

test('the history has its bar and its columns, however long it is', async ({
  market,
  network: _network,
  desk,
}) => {
  await market.start()
  await desk.open()
  await desk.reaches('OPEN')
  await desk.connectionPage()
  for (let times = 0; times < 12; times++) {
    await desk.page.getByRole('button', { name: 'Disconnect' }).click()
    await desk.page.getByRole('button', { name: 'Connect', exact: true }).click()
    await desk.reaches('OPEN')
  }
  await desk.page.setViewportSize({ width: 1280, height: 700 })
  expect((await desk.page.locator('.timeline').boundingBox())?.height).toBe(10)
  await desk.page.setViewportSize({ width: 390, height: 844 })
  const gap = await desk.page.getByTestId('history').evaluate(table => {
    const [, , reason, lasted] = [...table.querySelectorAll('th')].map(head => {
      const range = document.createRange()
      range.selectNodeContents(head)
      return range.getBoundingClientRect()
    })
    return (lasted as DOMRect).left - (reason as DOMRect).right
  })
  expect(gap).toBeGreaterThanOrEqual(8)
})

test('signals stand in columns', async ({ market, network: _network, desk }) => {
  await market.start()
  await desk.open()
  await desk.reaches('OPEN')
  const lefts = await desk.page.evaluate(() => {
    const list = document.createElement('ol')
    for (const symbol of ['AAPL', 'GOOGL', 'BTC']) {
      list.innerHTML += `<li><button type="button"><time>12:00:00</time><b>${symbol}</b><span class="side">Buy 1</span></button></li>`
    }
    document.querySelector('.signals')?.append(list)
    return [...list.querySelectorAll('.side')].map(each => each.getBoundingClientRect().left)
  })
  expect(new Set(lefts).size).toBe(1)
})
