import { expect, test } from 'vitest'
import { createSubscriptions, type Subscriptions } from '../../src/channels/subscriptions.ts'
import { createQuestions } from '../../src/protocol/v1/questions.ts'
import { countWalked } from '../support/walked.ts'

type Message = { readonly data: number }

interface Told {
  readonly subscriptions: Subscriptions<Message>
  /** Channels that the server was told, of each kind. */
  readonly told: Record<'subscribe' | 'unsubscribe', string[]>
  readonly frames: () => number
}

const make = (): Told => {
  const told: Told['told'] = { subscribe: [], unsubscribe: [] }
  let frames = 0
  const subscriptions = createSubscriptions<Message>({
    call: (listener, ...payload) => listener(...payload),
    user: () => 0,
    tell(type, channels) {
      frames++
      for (const channel of channels) told[type].push(channel)
    },
    forget() {},
    overflow() {},
    dropped() {},
    soon: (_name, run) => run(),
  })
  return { subscriptions, told, frames: () => frames }
}

const names = (count: number): string[] =>
  Array.from({ length: count }, (_, number) => `channel ${number}`)

const turn = (): Promise<void> => new Promise(done => setImmediate(done))

/** Each sets up what is not counted, and returns what is. */
const CASES: Readonly<Record<string, (count: number) => () => unknown>> = {
  'one subscription of all, until a server has answered for each': count => {
    const { subscriptions } = make()
    subscriptions.open([], true)
    const { ready } = subscriptions.subscribe(names(count))
    return async () => {
      await turn()
      for (const name of names(count)) subscriptions.confirm(name)
      await ready
    }
  },
  'the same after the link was lost once': count => {
    const { subscriptions } = make()
    const { ready } = subscriptions.subscribe(names(count))
    return async () => {
      subscriptions.open([], true)
      for (const name of names(count).slice(1)) subscriptions.confirm(name)
      subscriptions.close()
      subscriptions.open([], true)
      for (const name of names(count)) subscriptions.confirm(name)
      await ready
    }
  },
  'one of each, until all are ready on a plain server': count => {
    const { subscriptions } = make()
    subscriptions.open([], false)
    return () => Promise.all(names(count).map(name => subscriptions.subscribe(name).ready))
  },
  'one a turn': count => {
    const { subscriptions } = make()
    subscriptions.open([], false)
    return async () => {
      for (const name of names(count)) {
        subscriptions.subscribe(name)
        await Promise.resolve()
      }
    }
  },
  'all unsubscribed in one turn': count => {
    const { subscriptions } = make()
    subscriptions.open([], false)
    const all = names(count).map(name => subscriptions.subscribe(name, () => {}))
    return async () => {
      await turn()
      for (const each of all) each.unsubscribe()
      await turn()
    }
  },
  'many listeners of one channel that come and go': count => {
    const { subscriptions } = make()
    subscriptions.open([], false)
    return async () => {
      const all = names(count).map(() => subscriptions.subscribe('A', () => {}))
      await turn()
      for (const each of all) each.unsubscribe()
      await turn()
    }
  },
  'by hand, one by one': count => {
    const { subscriptions } = make()
    subscriptions.open([], false)
    return async () => {
      const settle = names(count).map(name => subscriptions.byHand('subscribe', [name]))
      await turn()
      for (const each of settle) each(true)
      await turn()
    }
  },
  'a reader that takes what has waited': count => {
    const { subscriptions } = make()
    const subscription = subscriptions.subscribe('A', undefined, { bufferSize: count })
    const iterator = subscription[Symbol.asyncIterator]()
    const first = iterator.next()
    return async () => {
      for (let data = 0; data < count; data++) subscriptions.deliver('A', { data })
      await first
      for (let left = count - 1; left; left--) await iterator.next()
    }
  },
  'one question of many channels': count => {
    const questions = createQuestions()
    return () => {
      questions.add('first', names(count))
      questions.add('second', names(count / 2))
      questions.take('first')
      questions.take('second')
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
  const { subscriptions, told, frames } = make()
  subscriptions.open([], false)
  const all = names(250).map(name => subscriptions.subscribe(name))
  await turn()
  expect(told.subscribe).toEqual(names(250))
  expect(frames()).toBe(3)
  for (const each of all) each.unsubscribe()
  await turn()
  expect(told.unsubscribe).toEqual(names(250))
  expect(frames()).toBe(6)
})

test('a listener that comes with a message hears the next one first, and one that goes none', () => {
  const { subscriptions } = make()
  const heard: string[] = []
  const first = subscriptions.subscribe('A', ({ data }) => {
    heard.push(`first ${data}`)
    if (data > 1) return
    third.unsubscribe()
    subscriptions.subscribe('A', message => heard.push(`late ${message.data}`))
  })
  subscriptions.subscribe('A', ({ data }) => heard.push(`second ${data}`))
  const third = subscriptions.subscribe('A', ({ data }) => heard.push(`third ${data}`))
  subscriptions.deliver('A', { data: 1 })
  subscriptions.deliver('A', { data: 2 })
  expect(heard).toEqual(['first 1', 'second 1', 'first 2', 'second 2', 'late 2'])
  first.unsubscribe()
})
