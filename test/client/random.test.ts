import fc from 'fast-check'
import type { Delivery } from 'resilient-websocket'
import type { FakeSocket } from 'resilient-websocket/testing'
import { expect, test } from 'vitest'
import { start } from './support.ts'

type Story = ReturnType<typeof start>

/** A frame arrives on a socket that has opened, whatever became of it since. */
const receive = (to: FakeSocket | undefined, frame: unknown): void => {
  if (to && to.readyState > 0) to.receive(frame)
}

/** What a user, a network, a page and time may do. `n` picks among what there is. */
const ACTS: Record<string, (story: Story, n: number) => void | Promise<void>> = {
  connect: ({ socket }) => socket.connect(),
  disconnect: ({ socket }) => socket.disconnect(),
  reconnect: ({ socket }) => socket.reconnect(),
  identity: ({ socket }, n) => socket.setIdentity(`user${n % 3}`),
  token: ({ socket }, n) => socket.setToken(`token${n}`),
  open: ({ network }) => {
    if (network.sockets.at(-1)?.readyState === 0) network.sockets.at(-1)?.open()
  },
  greet: ({ network }) => receive(network.sockets.at(-1), { type: 'connection', data: {} }),
  garbage: ({ network }) => receive(network.sockets.at(-1), '{'),
  leave: ({ network }) =>
    receive(network.sockets.at(-1), { type: 'reconnect', data: { afterMs: 50 } }),
  close: ({ network }, n) =>
    network.sockets.at(-1)?.close([1000, 1001, 1006, 1008, 1012, 4401][n % 6]),
  fail: ({ network }) => network.sockets.at(-1)?.fail(),
  ghost: ({ network }, n) =>
    receive(network.sockets[n % network.sockets.length], { type: 'ghost' }),
  answer: ({ network }, n) =>
    network.requests
      .at(-1)
      ?.answer({ n }, { status: [200, 200, 200, 304, 404, 401, 429, 500][n % 8] ?? 200 }),
  unanswered: ({ network }) => network.requests.at(-1)?.fail(),
  hide: ({ network }, n) => network.page.setHidden(n % 2 === 0),
  online: ({ network }, n) => network.page.setOnline(n % 2 === 0),
  cached: ({ network }, n) =>
    network.page.emit(n % 2 ? 'pagehide' : 'pageshow', { persisted: true }),
  sleep: ({ clock }, n) => clock.sleep(n * 1000),
  jump: ({ clock }, n) => clock.jump((n - 50) * 1000),
  moment: ({ clock }, n) => clock.advance(n),
  while: ({ clock }, n) => clock.advance(n * 500),
}

test('whatever happens in whatever order: one live socket at most, every delivery settles once, ids come once, and nothing is left', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(...Object.keys(ACTS), 'send', 'receive'), fc.nat(99)), {
        maxLength: 60,
      }),
      fc.boolean(),
      fc.nat(3),
      async (acts, hasFallback, maxAttempts) => {
        const story = start({
          token: async () => 'token',
          reconnect: { maxAttempts },
          ...(hasFallback ? {} : { fallback: false as const }),
        })
        const { socket, network, clock, messages } = story
        const deliveries: Delivery[] = []
        const settled: string[] = []
        let lives = 0
        socket.on('delivery', ({ id }) => settled.push(id))
        for (const [name, n] of acts) {
          if (name === 'send')
            deliveries.push(socket.send({ type: 'order', data: deliveries.length }))
          else if (name === 'receive') {
            receive(network.sockets.at(-1), { type: 'tick', id: `t${n % 20}`, data: ++lives })
          } else await ACTS[name]?.(story, n)
          await clock.settle()
          const live = network.sockets.filter(each => each.listeners() > 0)
          expect(live.length).toBeLessThanOrEqual(1)
          if (live[0]) expect(live[0]).toBe(network.sockets.at(-1))
          const { status } = socket
          if (status === 'OPEN') expect(live).toHaveLength(1)
          if (status === 'CLOSED' || status === 'ERROR') {
            expect(live).toHaveLength(0)
            expect(clock.pending()).toBeLessThanOrEqual(1)
          }
          if (status !== 'FALLBACK') {
            expect(network.requests.every(each => each.answered || each.aborted)).toBe(true)
          }
        }
        // What was seen twice within its time was delivered once.
        const ids = messages.map(({ id }) => id).filter(id => id !== undefined)
        if (!acts.some(([name]) => name === 'identity' || name === 'sleep' || name === 'jump')) {
          expect(new Set(ids).size).toBe(ids.length)
        }
        socket.close()
        expect(socket.status).toBe('CLOSED')
        await clock.settle()
        expect(clock.pending()).toBe(0)
        expect(network.page.listeners()).toBe(0)
        expect(network.sockets.filter(each => each.listeners() > 0)).toHaveLength(0)
        expect(settled.sort()).toEqual(deliveries.map(({ id }) => id).sort())
        for (const delivery of deliveries) expect(['sent', 'rejected']).toContain(delivery.state)
        // In the order in which they were sent, each at most once.
        const sent = network.sockets
          .flatMap(each => each.messages())
          .filter(({ type }) => type === 'order')
          .map(({ data }) => data as number)
        expect(sent).toEqual([...new Set(sent)].sort((a, b) => a - b))
      },
    ),
    { numRuns: Number(process.env['RUNS'] ?? 500) },
  )
}, 60_000)
