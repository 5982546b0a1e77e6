import { createResilientWebSocket, type ResilientWebSocket } from 'resilient-websocket'
import { createFakeNetwork, type FakeNetwork } from 'resilient-websocket/testing'
import { describe, expect, test } from 'vitest'
import { workOf } from './work.ts'

interface Sized {
  readonly network: FakeNetwork
  readonly socket: ResilientWebSocket
  fill(count: number, options?: Parameters<ResilientWebSocket['send']>[1]): void
}

const start = (options: object = {}): Sized => {
  const network = createFakeNetwork()
  const socket = createResilientWebSocket({
    environment: network.environment,
    queue: { limit: 4000, maxBytes: 1e9, ratePerSecond: 1e9, maxInFlight: 1e9 },
    fallback: false,
    ...options,
  })
  return {
    network,
    socket,
    fill(count, options) {
      for (let data = 0; data < count; data++) socket.send({ type: 'order', data }, options)
    },
  }
}

const connect = ({ network }: Sized, protocol: number): void => {
  network.socket().open()
  network.socket().receive({ type: 'connection', data: { protocol } })
  if (protocol === 1) {
    const data = { tok: 't', ack: 0, channels: {}, maxInFlight: 1e9 }
    network.socket().receive({ type: 'welcome', data })
  }
}

/** Each prepares so many messages, and returns what is measured. */
const STORIES: readonly (readonly [string, (many: number) => () => void])[] = [
  [
    'closing with a full queue',
    many => {
      const { socket, fill } = start()
      fill(many)
      return () => socket.close()
    },
  ],
  [
    'closing with a full queue of urgent messages',
    many => {
      const { socket, fill } = start()
      fill(many, { priority: 'high' })
      return () => socket.close()
    },
  ],
  [
    'dropping the oldest urgent message for each new one',
    many => {
      const { fill } = start({ queue: { limit: many } })
      fill(many, { priority: 'high' })
      return () => fill(many, { priority: 'high' })
    },
  ],
  [
    'aborting each message, the last one first',
    many => {
      const { socket } = start()
      const aborts = Array.from({ length: many }, () => new AbortController())
      for (const { signal } of aborts) socket.send({ type: 'order' }, { signal })
      return () => {
        for (let last = aborts.pop(); last; last = aborts.pop()) last.abort()
      }
    },
  ],
  [
    'expiring one after the other',
    many => {
      const story = start()
      for (let ttlMs = many; ttlMs > 0; ttlMs--) story.socket.send({ type: 'x' }, { ttlMs })
      return () => {
        for (let time = 0; time < many; time++) {
          story.network.clock.sleep(1)
          story.socket.send({ type: 'look' }, { ttlMs: 1e6 })
        }
      }
    },
  ],
  [
    'flushing a full queue to a plain server',
    many => {
      const story = start()
      story.fill(many)
      return () => connect(story, 0)
    },
  ],
  [
    'flushing a full queue to a server of protocol v1, which acknowledges one by one',
    many => {
      const story = start()
      story.fill(many)
      return () => {
        connect(story, 1)
        for (let seq = 1; seq <= many; seq++) {
          story.network.socket().receive({ type: 'ack', data: { seq } })
        }
      }
    },
  ],
  [
    'refusing each of many in flight, the last one first',
    many => {
      const story = start()
      story.fill(many)
      connect(story, 1)
      return () => {
        for (let seq = many; seq > 0; seq--) {
          story.network.socket().receive({ type: 'nack', data: { seq, code: 'NO' } })
        }
      }
    },
  ],
  [
    'changing the user with a full queue',
    many => {
      const { socket, fill } = start()
      socket.setIdentity('alice')
      fill(many, { priority: 'high' })
      return () => socket.setIdentity('bob')
    },
  ],
  [
    'changing the status with a full history',
    many => {
      const { socket } = start({ enabled: false, history: { limit: many } })
      const change = (): void => {
        for (let times = 0; times < many; times++) {
          socket.connect()
          socket.disconnect()
        }
      }
      change()
      return change
    },
  ],
]

describe('what many messages cost grows as they do', () => {
  test.each(STORIES)('%s', (_name, prepare) => {
    const few = workOf(prepare(1000))
    const many = workOf(prepare(2000))
    // Twice as many messages, about twice the work: four times of it if each of them looks through all others.
    expect(many / few).toBeLessThan(2.5)
  })
})

test('the history is the same list until something changes, which an older list does not show', () => {
  const { socket } = start({ enabled: false, history: { limit: 2 } })
  socket.connect()
  const before = socket.stateHistory
  expect(socket.stateHistory).toBe(before)
  socket.disconnect()
  socket.connect()
  expect(before.map(({ to }) => to)).toEqual(['CONNECTING'])
  expect(socket.stateHistory.map(({ to }) => to)).toEqual(['CLOSED', 'CONNECTING'])
})
