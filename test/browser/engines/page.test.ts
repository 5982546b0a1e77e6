/** What a page lives through: hidden, frozen, left and come back to, without a network, too busy. */
import { expect, test } from 'vitest'
import { inEngines } from './in-engines.ts'

/** Only what does not wait comes back within the time of a test. */
const SLOW = { initialDelayMs: 600_000, maxDelayMs: 600_000 }
const BACK = `lab.report().statuses.length === 3 && lab.socket.getSnapshot().phase === 'ready'`

inEngines(bench => {
  const { name, cannot } = bench.engine

  test('left: the server is told at once; come back to: nothing is lost', async () => {
    const { tab, stand, site, flow, until, calm } = bench
    await flow()
    await tab.goto(`${site.origin}/elsewhere`)
    await expect.poll(() => stand.connections, { timeout: 10_000 }).toBe(0)
    await tab.back()
    if (cannot['back/forward cache']) return await until('lab.socket === undefined')
    await until(BACK)
    const report = await calm()
    expect(report.violations).toEqual([])
    expect(report.statuses).toEqual(['OPEN', 'RECONNECTING: Page hidden', 'OPEN'])
  })

  test('hidden: timers come seldom, and the link lives; a black hole then is noticed at the latest when shown', async () => {
    const { tab, stand, flow, until, calm } = bench
    await flow()
    await tab.evaluate('lab.tick()')
    await tab.hide()
    await until('document.hidden')
    // Chromium allows one a minute, after 5 s; the others one a second.
    await until(`lab.longestGap() > ${name === 'Chromium' ? 8000 : 900}`)
    const before = stand.published
    await until(`lab.report().heard.at(-1) > ${before}`)
    expect(await tab.evaluate('lab.report().statuses')).toEqual(['OPEN'])
    stand.proxy.blackhole()
    await tab.show()
    await until(`lab.socket.status === 'RECONNECTING'`)
    stand.proxy.heal()
    await until(BACK)
    const report = await calm()
    expect(report.violations).toEqual([])
    expect(report.statuses).toEqual(['OPEN', 'RECONNECTING: Heartbeat timeout', 'OPEN'])
  })

  test('too busy to answer for a while: no verdict', async () => {
    const { tab, stand, flow, until, calm } = bench
    await flow()
    for (let times = 0; times < 3; times++) {
      await tab.evaluate('lab.block(1500)')
      await until(`lab.report().heard.at(-1) > ${stand.published}`)
    }
    const report = await calm()
    expect(report.violations).toEqual([])
    expect(report.statuses).toEqual(['OPEN'])
  })

  test(`a click on a download: ${name === 'Firefox' ? 'the socket is closed, and dialed at once' : 'nothing'}`, async () => {
    const { tab, stand, flow, until, calm } = bench
    await flow({ reconnect: SLOW })
    await tab.evaluate(
      `void Object.assign(document.createElement('a'), { href: '/numbers.csv' }).click()`,
    )
    if (name === 'Firefox') await until(BACK)
    const before = stand.published
    await until(`lab.report().heard.at(-1) > ${before + 100}`)
    const report = await calm()
    expect(report.violations).toEqual([])
    expect(report.statuses).toEqual(
      name === 'Firefox' ? ['OPEN', 'RECONNECTING: Connection lost', 'OPEN'] : ['OPEN'],
    )
  })

  test('in a worker', async () => {
    const { stand, flow, until, calm } = bench
    bench.useWorker()
    await flow()
    expect(await bench.evaluate('typeof document')).toBe('undefined')
    stand.proxy.cut()
    await until(BACK)
    const report = await calm()
    expect(report.violations).toEqual([])
    expect(report.statuses).toEqual(['OPEN', 'RECONNECTING: Connection lost', 'OPEN'])
  })

  if (!cannot.freeze) {
    test('frozen: what was missed follows', async () => {
      const { tab, stand, flow, until, calm } = bench
      await flow()
      await tab.freeze?.(true)
      const before = stand.published
      await expect.poll(() => stand.published, { timeout: 10_000 }).toBeGreaterThan(before + 200)
      await tab.freeze?.(false)
      await until(BACK)
      const report = await calm()
      expect(report.violations).toEqual([])
      expect(report.statuses).toEqual(['OPEN', 'RECONNECTING: Connection lost', 'OPEN'])
    })
  }

  if (!cannot.offline) {
    test('offline: it does not hurry; online: it does not wait', async () => {
      const { tab, stand, flow, until, calm } = bench
      // A server on this machine would be dialed all the same.
      await flow({ reconnect: SLOW, url: stand.url.replace('127.0.0.1', 'app.test') })
      await tab.setOffline?.(true)
      stand.proxy.cut()
      await until(`lab.socket.getSnapshot().phase === 'offline'`)
      await tab.setOffline?.(false)
      await until(BACK)
      const report = await calm()
      expect(report.violations).toEqual([])
      expect(report.statuses).toEqual(['OPEN', 'RECONNECTING: Connection lost', 'OPEN'])
    })
  }

  if (!cannot['offline in a worker']) {
    test('offline and online in a worker', async () => {
      const { tab, stand, flow, until, calm } = bench
      bench.useWorker()
      await flow({ reconnect: SLOW, url: stand.url.replace('127.0.0.1', 'app.test') })
      await tab.setOffline?.(true)
      stand.proxy.cut()
      await until(`lab.socket.getSnapshot().phase === 'offline'`)
      await tab.setOffline?.(false)
      await until(BACK)
      const report = await calm()
      expect(report.violations).toEqual([])
      expect(report.statuses).toEqual(['OPEN', 'RECONNECTING: Connection lost', 'OPEN'])
    })
  }
})
