import { expect, test } from 'vitest'
import { createChannels } from '../../src/channels/channel.ts'
import { type ChannelRegistry, createChannelRegistry } from '../../src/channels/channel-registry.ts'
import type { ChannelTerms } from '../../src/channels/channel-sync.ts'
import type { LiveLink } from '../../src/connection/link-user.ts'
import { createPendingSubscribes } from '../../src/protocol/v1/pending-subscribes.ts'
import { countWalked } from '../support/walked.ts'

type Message = { readonly data: number }

interface Told {
  readonly registry: ChannelRegistry
  readonly notify: ChannelTerms['notify']
  /** Channels that the server was told, of each kind. */
  readonly told: Record<'subscribe' | 'unsubscribe', string[]>
  readonly frames: () => number
}

const make = (): Told => {
  const told: Told['told'] = { subscribe: [], unsubscribe: [] }
  let frames = 0
  const registry = createChannelRegistry({
    channels: createChannels(),
    call: (listener, ...payload) => listener(...payload),
    timers: { set: (_name, _delayMs, run) => run(), clear() {}, has: () => false, end() {} },
    onGap() {},
    onRecovered() {},
    onDropped() {},
  })
  const notify = (type: 'subscribe' | 'unsubscribe', channels: readonly string[]): void => {
    frames++
    for (const channel of channels) told[type].push(channel)
  }
  return { registry, notify, told, frames: () => frames }
}

const names = (count: number): string[] =>
  Array.from({ length: count }, (_, number) => `channel ${number}`)

const link: LiveLink = {
  send() {},
  bufferedBytes: () => 0,
  isTrustworthy: () => true,
  ready() {},
  fail() {},
}

const open = ({ registry, notify }: Told, answers: boolean): void =>
  registry.linkReady?.(link, { known: [], answers, notify })

const turn = (): Promise<void> => new Promise(done => setImmediate(done))

/** Each sets up what is not counted, and returns what is. */
const CASES: Readonly<Record<string, (count: number) => () => unknown>> = {
  'one subscription of all, until a server has answered for each': count => {
    const lab = make()
    const { registry } = lab
    open(lab, true)
    const { ready } = registry.subscribe(names(count))
    return async () => {
      await turn()
      for (const name of names(count)) registry.confirmed(name)
      await ready
    }
  },
  'the same after the link was lost once': count => {
    const lab = make()
    const { registry } = lab
    const { ready } = registry.subscribe(names(count))
    return async () => {
      open(lab, true)
      for (const name of names(count).slice(1)) registry.confirmed(name)
      registry.linkClosed?.()
      open(lab, true)
      for (const name of names(count)) registry.confirmed(name)
      await ready
    }
  },
  'one of each, until all are ready on a plain server': count => {
    const lab = make()
    const { registry } = lab
    open(lab, false)
    return () => Promise.all(names(count).map(name => registry.subscribe(name).ready))
  },
  'one a turn': count => {
    const lab = make()
    const { registry } = lab
    open(lab, false)
    return async () => {
      for (const name of names(count)) {
        registry.subscribe(name)
        await Promise.resolve()
      }
    }
  },
  'all unsubscribed in one turn': count => {
    const lab = make()
    const { registry } = lab
    open(lab, false)
    const all = names(count).map(name => registry.subscribe(name, () => {}))
    return async () => {
      await turn()
      for (const each of all) each.unsubscribe()
      await turn()
    }
  },
  'many listeners of one channel that come and go': count => {
    const lab = make()
    const { registry } = lab
    open(lab, false)
    return async () => {
      const all = names(count).map(() => registry.subscribe<Message>('A', () => {}))
      await turn()
      for (const each of all) each.unsubscribe()
      await turn()
    }
  },
  'by hand, one by one': count => {
    const lab = make()
    const { registry } = lab
    open(lab, false)
    return async () => {
      const settle = names(count).map(name => registry.manual('subscribe', [name]))
      await turn()
      for (const each of settle) each(true)
      await turn()
    }
  },
  'a reader that takes what has waited': count => {
    const lab = make()
    const { registry } = lab
    const subscription = registry.subscribe('A', undefined, { bufferSize: count })
    const iterator = subscription[Symbol.asyncIterator]()
    const first = iterator.next()
    return async () => {
      for (let data = 0; data < count; data++) registry.deliver('A', { data })
      await first
      for (let left = count - 1; left; left--) await iterator.next()
    }
  },
  'one question of many channels': count => {
    const pending = createPendingSubscribes(createChannels())
    return () => {
      pending.add('first', names(count))
      pending.add('second', names(count / 2))
      pending.take('first')
      pending.take('second')
    }
  },
}

test.each(Object.entries(CASES))(
  'four times as many cost about four times as much: %s',
  async (_, prepare) => {
    const few = await countWalked(prepare(500))
    const many = await countWalked(prepare(2000))
    expect(few).toBeGreaterThan(0)
    expect(many / few).toBeLessThan(5)
  },
)

test('what is told to the server is the same as ever: all channels, each once, a hundred a frame', async () => {
  const lab = make()
  const { registry, told, frames } = lab
  open(lab, false)
  const all = names(250).map(name => registry.subscribe(name))
  await turn()
  expect(told.subscribe).toEqual(names(250))
  expect(frames()).toBe(3)
  for (const each of all) each.unsubscribe()
  await turn()
  expect(told.unsubscribe).toEqual(names(250))
  expect(frames()).toBe(6)
})

test('a listener that comes with a message hears the next one first, and one that goes none', () => {
  const lab = make()
  const { registry } = lab
  const heard: string[] = []
  const first = registry.subscribe<Message>('A', ({ data }) => {
    heard.push(`first ${data}`)
    if (data > 1) return
    third.unsubscribe()
    registry.subscribe<Message>('A', message => heard.push(`late ${message.data}`))
  })
  registry.subscribe<Message>('A', ({ data }) => heard.push(`second ${data}`))
  const third = registry.subscribe<Message>('A', ({ data }) => heard.push(`third ${data}`))
  registry.deliver('A', { data: 1 })
  registry.deliver('A', { data: 2 })
  expect(heard).toEqual(['first 1', 'second 1', 'first 2', 'second 2', 'late 2'])
  first.unsubscribe()
})
