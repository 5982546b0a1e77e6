import { beforeEach, describe, expect, test } from 'vitest'
import { createListening, type Listening } from '../../src/server/connection/channel-streams.ts'
import { MemoryBroker, type Position } from '../../src/server/index.ts'
import { createCounters } from '../../src/server/metrics.ts'

describe('a channel that is asked for again while its reader is slow', () => {
  let store: MemoryBroker
  let said: string[]
  let listening: Listening
  let makeRoom: () => void
  const at: Record<string, Position> = {}

  const publish = async (channel: string, count: number): Promise<void> => {
    for (let index = 0; index < count; index++) {
      at[channel] = await store.publish(channel, { type: 'x' })
    }
  }
  const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
  const ask = (positions: Record<string, Position | null>): Promise<void> =>
    listening.resume(new Map(Object.entries(positions)), verdicts =>
      said.push(`B at ${verdicts['B']?.offset}, ${verdicts['B']?.replayed} follow`),
    )

  beforeEach(async () => {
    store = new MemoryBroker()
    said = []
    let busy = true
    listening = createListening({
      broker: store,
      counters: createCounters(),
      join() {},
      leave() {},
      deliver(text) {
        const { channel, offset } = JSON.parse(text)
        if (channel === 'B') said.push(`B ${offset}`)
      },
      conflates: () => false,
      isFull: () => false,
      isBusy: () => busy,
      room: () =>
        new Promise<void>(resolve => {
          makeRoom = () => {
            busy = false
            resolve()
          }
        }),
      failed(thrown) {
        throw thrown
      },
      renewed() {},
    })
    await store.attach(published => listening.published(published))
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
    listening.leave('B')
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
  const listening = createListening({
    broker: store,
    counters: createCounters(),
    join() {},
    leave() {},
    deliver() {},
    conflates: () => false,
    isFull: () => false,
    isBusy: () => false,
    room: async () => {},
    failed(thrown) {
      throw thrown
    },
    renewed() {},
  })
  const names = Array.from({ length: 100 }, (_, index) => `channel-${index}`)
  let answered: string[] = []
  await listening.resume(new Map(names.map(name => [name, null])), verdicts => {
    answered = Object.keys(verdicts)
  })
  expect(answered).toEqual(names)
  expect(most).toBe(10)
})
