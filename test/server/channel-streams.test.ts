import { beforeEach, describe, expect, test } from 'vitest'
import type { ChannelStream } from '../../src/server/connection/channel-stream.ts'
import { ChannelStreams } from '../../src/server/connection/channel-streams.ts'
import type { Peer } from '../../src/server/connection/peer.ts'
import { MemoryBroker, type Position } from '../../src/server/index.ts'
import { createCounters } from '../../src/server/metrics.ts'
import { resolveServerOptions } from '../../src/server/options.ts'

const depsOf = (broker: MemoryBroker, live: Set<ChannelStream>) => ({
  settings: resolveServerOptions({}),
  broker,
  counters: createCounters(),
  channels: {
    join: (stream: ChannelStream) => void live.add(stream),
    leave: (stream: ChannelStream) => void live.delete(stream),
  },
})

const onFailed = (error: unknown): never => {
  throw error
}

describe('a channel that is asked for again while its reader is slow', () => {
  let store: MemoryBroker
  let said: string[]
  let streams: ChannelStreams
  let makeRoom: () => void
  const at: Record<string, Position> = {}

  const publish = async (channel: string, count: number): Promise<void> => {
    for (let index = 0; index < count; index++) {
      at[channel] = await store.publish(channel, { type: 'x' })
    }
  }
  const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
  const ask = (positions: Record<string, Position | null>): Promise<void> =>
    streams.subscribeFrom(new Map(Object.entries(positions)), recoveries =>
      said.push(`B at ${recoveries['B']?.offset}, ${recoveries['B']?.replayed} follow`),
    )

  beforeEach(async () => {
    store = new MemoryBroker()
    said = []
    let busy = true
    const live = new Set<ChannelStream>()
    const peer = {
      deliver(message: Buffer) {
        const { channel, offset } = JSON.parse(String(message))
        if (channel === 'B') said.push(`B ${offset}`)
      },
      buffer: {
        aboveHighWater: () => false,
        aboveLowWater: () => busy,
        drained: () =>
          new Promise<void>(resolve => {
            makeRoom = () => {
              busy = false
              resolve()
            }
          }),
      },
    } as unknown as Peer
    streams = new ChannelStreams(depsOf(store, live), peer, onFailed)
    await store.attach(published => {
      for (const stream of live) {
        if (stream.name === published.channel)
          stream.publish(published, Buffer.from(published.text))
      }
    })
    await publish('A', 3)
    await publish('B', 3)
    const start = (channel: string) => ({ epoch: at[channel]?.epoch ?? '', offset: 0 })
    await ask({ A: start('A'), B: start('B') })
    await publish('B', 1)
  })

  test('gets everything since its position, after the second answer and once', async () => {
    const { history } = store
    // As from a store outside: the first answer's messages could go out meanwhile.
    store.history = async (...asked) => {
      await settle()
      return history.apply(store, asked)
    }
    const asked = ask({ B: { epoch: at['B']?.epoch ?? '', offset: 0 } })
    makeRoom()
    await asked
    await settle()
    expect(said).toEqual(['B at 3, 3 follow', 'B at 4, 4 follow', 'B 1', 'B 2', 'B 3', 'B 4'])
  })

  test('gets nothing of before where it was left and begins from now on', async () => {
    streams.leave('B')
    const asked = ask({ B: null })
    makeRoom()
    await asked
    await settle()
    await publish('B', 1)
    await settle()
    expect(said).toEqual(['B at 3, 3 follow', 'B at 4, 0 follow', 'B 5'])
  })
})

test('of many channels few histories are read at a time: other clients come in between', async () => {
  const store = new MemoryBroker()
  let reading = 0
  let most = 0
  const { history } = store
  store.history = async (...asked) => {
    most = Math.max(most, ++reading)
    await new Promise(resolve => setImmediate(resolve))
    reading--
    return history.apply(store, asked)
  }
  const peer = { buffer: { aboveLowWater: () => false } } as unknown as Peer
  const streams = new ChannelStreams(depsOf(store, new Set()), peer, onFailed)
  const names = Array.from({ length: 100 }, (_, index) => `channel-${index}`)
  let answered: string[] = []
  await streams.subscribeFrom(new Map(names.map(name => [name, null])), recoveries => {
    answered = Object.keys(recoveries)
  })
  expect(answered).toEqual(names)
  expect(most).toBe(10)
})
