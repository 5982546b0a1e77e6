/** What engines forbid: by the page's policy, by its origin, by their own limits. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { inEngines, OPTIONS } from './in-engines.ts'
import type { Report } from './lab.ts'

const HINT = 'check the URL, wss: on https: pages, and connect-src of the CSP'

inEngines(bench => {
  const { name } = bench.engine

  test('blocked by the Content Security Policy: final, with a hint', async () => {
    const { tab, site, stand, start, until } = bench
    await tab.goto(`${site.origin}/?csp=${encodeURIComponent("connect-src 'self'")}`)
    await start()
    await until(`lab.socket.status === 'ERROR'`)
    const { statuses, errors } = await tab.evaluate<Report>('lab.report()')
    expect(statuses).toEqual(['ERROR: Connection failed'])
    expect(errors).toEqual([expect.stringContaining(HINT)])
    expect(stand.proxy.accepted).toBe(0)
  })

  test('blocked by the Content Security Policy of a worker: final, with a hint', async () => {
    const { tab, site, stand, start, until, evaluate } = bench
    await tab.goto(`${site.origin}/?csp=${encodeURIComponent("connect-src 'self'")}`)
    bench.useWorker()
    await start()
    await until(`lab.socket.status === 'ERROR'`)
    const { errors } = await evaluate<Report>('lab.report()')
    expect(errors).toEqual([expect.stringContaining(HINT)])
    expect(stand.proxy.accepted).toBe(0)
  })

  test('a policy that only reports blocks nothing', async () => {
    const { tab, site, flow, calm } = bench
    await tab.goto(`${site.origin}/?csp-report-only=${encodeURIComponent("connect-src 'self'")}`)
    await flow()
    const report = await calm()
    expect(report.violations).toEqual([])
    expect(report.statuses).toEqual(['OPEN'])
  })

  test('ws: on an https: page: final, with a hint', async () => {
    const { tab, site, stand, start, until } = bench
    await tab.goto(site.tlsOrigin)
    await start({ url: stand.url.replace('127.0.0.1', 'app.test') })
    await until(`lab.socket.status === 'ERROR'`)
    const { statuses, errors } = await tab.evaluate<Report>('lab.report()')
    expect(statuses).toEqual(['ERROR: Connection failed'])
    expect(errors).toEqual([expect.stringContaining(HINT)])
  })

  test(`ws: to loopback on an https: page: ${name === 'WebKitGTK' ? 'blocked as well' : 'allowed, and a server that is not there is waited for'}`, async () => {
    const { tab, site, stand, start, until } = bench
    await tab.goto(site.tlsOrigin)
    await stand.proxy.refuse()
    await start()
    if (name === 'WebKitGTK') return await until(`lab.socket.status === 'ERROR'`)
    await until('lab.report().errors.length > 2')
    await stand.proxy.resume()
    await until(`lab.socket.status === 'OPEN'`)
    expect(await tab.evaluate('lab.report().statuses')).toEqual([
      'RECONNECTING: Connection failed',
      'OPEN',
    ])
  })

  test('an origin that is not secure: no crypto.randomUUID, no locks, and nothing is missed', async () => {
    const { tab, site, stand, flow, until, calm } = bench
    await tab.goto(site.insecureOrigin)
    expect(await tab.evaluate('[typeof crypto.randomUUID, typeof navigator.locks]')).toEqual([
      'undefined',
      'undefined',
    ])
    await flow()
    stand.proxy.cut()
    await until(`lab.report().statuses.length === 3`)
    const report = await calm()
    expect(report.violations).toEqual([])
    expect(report.statuses).toEqual(['OPEN', 'RECONNECTING: Connection lost', 'OPEN'])
  })

  test('no socket left: polling carries the messages until there is one', async () => {
    const { tab, stand, flow, until, calm } = bench
    const others = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    await once(others, 'listening')
    const { port } = others.address() as AddressInfo
    // 255 in Chromium, 200 in Firefox, 199 in WebKitGTK, less what other tabs have.
    const opened = await tab.evaluate(`lab.exhaust('ws://127.0.0.1:${port}', 300)`)
    expect(opened).toBeLessThan(name === 'Chromium' ? 256 : 201)
    await flow({
      reconnect: { ...OPTIONS.reconnect, maxAttempts: 1 },
      fallback: { url: stand.snapshotUrl, intervalMs: 100, probeIntervalMs: 500 },
    })
    expect(await tab.evaluate('lab.socket.status')).toBe('FALLBACK')
    await tab.evaluate('lab.relieve()')
    await until(`lab.socket.status === 'OPEN'`)
    const report = await calm()
    expect(report.violations).toEqual([])
    others.close()
    expect(report.statuses).toEqual([
      'RECONNECTING: Connection failed',
      'FALLBACK: Connection failed',
      'OPEN',
    ])
  })
})
