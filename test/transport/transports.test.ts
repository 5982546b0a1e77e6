import { createFakeNetwork } from 'resilient-websocket/testing'
import { createFreshness } from '../../src/http/freshness.ts'
import { openPolling } from '../../src/http/polling.ts'
import { createTimers } from '../../src/shared/timers.ts'
import { openWebSocket } from '../../src/transport/websocket.ts'
import { transportContract } from './contract.ts'

transportContract('a WebSocket', () => {
  const network = createFakeNetwork()
  return {
    open: handlers =>
      openWebSocket(network.environment, 'ws://test', [], {
        ...handlers,
        mayBeBlocked: () => false,
      }),
    accept: async () => network.socket().open(),
    send: async message => network.socket().receive(message),
    end: async () => network.socket().close(1012, 'restart'),
    left: () => network.socket().listeners(),
  }
})

transportContract('polling', () => {
  const network = createFakeNetwork()
  const timers = createTimers(network.environment)
  const { clock } = network
  const answer = async (body: unknown, init?: ResponseInit): Promise<void> => {
    await clock.settle()
    network.requests.at(-1)?.answer(body, init)
    await clock.settle()
  }
  return {
    open: handlers =>
      openPolling({
        ...handlers,
        environment: network.environment,
        timers,
        intervalMs: 1000,
        timeoutMs: 500,
        pause: { until: 0 },
        freshness: createFreshness(network.environment),
        parse: body => body as readonly unknown[],
        url: () => 'http://test/snapshot',
        unfinished: () => false,
        postUrl: () => 'http://test/snapshot',
        pending: () => false,
        prepare() {},
        outgoing: () => undefined,
        posted: () => true,
        tooMuch() {},
        token: async () => undefined,
        failed() {},
        polled() {},
        warn() {},
      }),
    accept: () => answer([]),
    async send(message) {
      await clock.advance(1000)
      await answer([message])
    },
    async end() {
      await clock.advance(1000)
      await answer('', { status: 404 })
    },
    left: () =>
      clock.pending() +
      network.requests.filter(({ aborted, answered }) => !aborted && !answered).length,
  }
})
