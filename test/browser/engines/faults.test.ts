/** Every fault of the proxy: nothing is lost, nothing doubled, in order, or told. */
import { expect, test } from 'vitest'
import { type Bench, inEngines, OPTIONS } from './in-engines.ts'
import type { Stand } from './stand.ts'

interface Fault {
  readonly name: string
  strike(bench: Bench): unknown
  /** What holds once the client has noticed. */
  readonly noticed: string
  heal?(stand: Stand): unknown
  /** Everything that the status was, in the end. */
  readonly statuses: readonly string[]
  readonly options?: object
  /** Something is lost, and told. */
  readonly told?: boolean
}

const AWAY = `lab.socket.status === 'RECONNECTING'`
const BACK = `lab.report().statuses.length === 3`
const MORE = 'lab.report().heard.length > 200'
/** Redials that failed. */
const refused = (code: number): string =>
  `lab.report().errors.filter(each => each.startsWith('FAILED: Connection failed: ${code}')).length > 1`

const LOST = ['OPEN', 'RECONNECTING: Connection lost', 'OPEN']
const SILENT = ['OPEN', 'RECONNECTING: Heartbeat timeout', 'OPEN']
const heal = ({ proxy }: Stand): unknown => proxy.heal()
const resume = ({ proxy }: Stand): unknown => proxy.resume()

const FAULTS: readonly Fault[] = [
  { name: 'a cut', strike: ({ stand: { proxy } }) => proxy.cut(), noticed: BACK, statuses: LOST },
  { name: 'a FIN', strike: ({ stand: { proxy } }) => proxy.fin(), noticed: BACK, statuses: LOST },
  { name: 'a RST', strike: ({ stand: { proxy } }) => proxy.rst(), noticed: BACK, statuses: LOST },
  ...[
    { name: 'a black hole both ways', ways: {} },
    { name: 'a black hole down', ways: { down: true } },
    { name: 'a black hole both ways that swallows', ways: { swallow: true } },
    { name: 'a black hole down that swallows', ways: { down: true, swallow: true } },
  ].map(({ name, ways }) => ({
    name,
    strike: ({ stand: { proxy } }: Bench) => proxy.blackhole(ways),
    noticed: AWAY,
    heal,
    statuses: SILENT,
  })),
  {
    name: 'a black hole up',
    strike: ({ stand: { proxy } }) => proxy.blackhole({ up: true }),
    // The client hears on; it is the server that misses its pongs.
    noticed: AWAY,
    heal,
    statuses: LOST,
  },
  {
    name: 'a delay each way',
    strike: ({ stand: { proxy } }) => proxy.delay(250),
    noticed: MORE,
    heal,
    statuses: ['OPEN'],
  },
  {
    name: 'a thin line',
    strike: ({ stand: { proxy } }) => proxy.throttle(25_000),
    noticed: MORE,
    heal,
    statuses: ['OPEN'],
  },
  {
    name: 'a server that takes connections and never answers',
    async strike({ stand: { proxy } }) {
      proxy.hang()
      proxy.cut()
    },
    noticed: `lab.report().errors.filter(each => each === 'FAILED: Connect timeout').length > 1`,
    heal: resume,
    statuses: LOST,
  },
  {
    name: 'a server that is not there',
    async strike({ stand: { proxy } }) {
      await proxy.refuse()
      proxy.cut()
    },
    noticed: refused(1006),
    heal: resume,
    statuses: LOST,
  },
  {
    name: 'a handshake refused with 503',
    strike({ stand: { proxy } }) {
      proxy.rejectUpgrade(503)
      proxy.cut()
    },
    noticed: refused(1006),
    heal: resume,
    statuses: LOST,
  },
  {
    name: 'reconnect() while the old socket is slow to close',
    strike({ stand: { proxy }, tab }) {
      proxy.delay(300)
      return tab.evaluate('lab.socket.reconnect()')
    },
    noticed: BACK,
    heal,
    statuses: ['OPEN', 'RECONNECTING: Reconnect requested', 'OPEN'],
  },
  {
    name: 'disconnect() into a black hole: CLOSED at once, and no hindrance to connect()',
    async strike({ stand: { proxy }, tab }) {
      proxy.blackhole({ swallow: true })
      await tab.evaluate('lab.socket.disconnect()')
      expect(await tab.evaluate('lab.socket.status')).toBe('CLOSED')
      proxy.heal()
      await tab.evaluate('lab.socket.connect()')
    },
    noticed: `lab.socket.status === 'OPEN'`,
    statuses: ['OPEN', 'CLOSED: Disconnect requested', 'CONNECTING', 'OPEN'],
  },
  {
    name: 'a server that dies and has forgotten everything',
    strike: ({ stand }) => stand.replace(),
    noticed: BACK,
    statuses: LOST,
    told: true,
  },
]

/** Polling, at the pace of a test. */
const polling = ({ stand }: Bench): object => ({
  reconnect: { ...OPTIONS.reconnect, maxAttempts: 2 },
  fallback: { url: stand.snapshotUrl, intervalMs: 100, probeIntervalMs: 500 },
})

inEngines(bench => {
  test.each(FAULTS)('$name', async ({ strike, noticed, heal, statuses, options, told }) => {
    const { stand, flow, until, calm } = bench
    await flow(options)
    await strike(bench)
    await until(noticed)
    await heal?.(stand)
    await until(`lab.socket.getSnapshot().phase === 'ready'`)
    const report = await calm(told)
    expect(report.violations).toEqual([])
    expect(report.statuses).toEqual(statuses)
  })

  test('WebSocket blocked: polling goes on where it ended, and WebSocket where polling ended', async () => {
    const { stand, tab, flow, until, calm } = bench
    await flow(polling(bench))
    stand.proxy.rejectUpgrade(403)
    stand.proxy.cut()
    await until(`lab.socket.status === 'FALLBACK'`)
    const { length } = await tab.evaluate<number[]>('lab.report().heard')
    await until(`lab.report().heard.length > ${length + 50}`)
    await until(
      `lab.report().deliveries.findLast(each => each.state === 'acked').id !== lab.report().deliveries[0].id`,
    )
    await stand.proxy.resume()
    await until(`lab.socket.status === 'OPEN'`)
    const report = await calm()
    expect(report.violations).toEqual([])
    expect(report.statuses).toEqual([
      'OPEN',
      'RECONNECTING: Connection lost',
      'FALLBACK: Connection failed',
      'OPEN',
    ])
  })
})
