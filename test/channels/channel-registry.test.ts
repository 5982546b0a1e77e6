/** What the registry of channels tells the server, and what it makes of each answer. */
import { createVirtualClock, type VirtualClock } from 'resilient-websocket/testing'
import { describe, expect, test } from 'vitest'
import { createChannels } from '../../src/channels/channel.ts'
import { type ChannelRegistry, createChannelRegistry } from '../../src/channels/channel-registry.ts'
import type { LiveLink } from '../../src/connection/link-user.ts'
import { createTimers } from '../../src/shared/timers.ts'

interface Story {
  readonly registry: ChannelRegistry
  readonly clock: VirtualClock
  /** What the server and the outbox were told, and what was reported, in order. */
  readonly log: string[]
  /** What was added to the log since the last call. */
  news(): string[]
  /** A link is ready whose server answers for channels, as those of protocol v1 do. */
  open(known?: readonly string[]): void
  /** A link is ready whose server does not. */
  openPlain(): void
  records(): number
}

/** The registry only learns that there is a link: it sends by `notify`. */
const LINK = {} as LiveLink

/** `joins`: a protocol that joins a channel before it sends to it. */
const start = ({ joins = false } = {}): Story => {
  const channels = createChannels()
  const clock = createVirtualClock()
  const log: string[] = []
  let read = 0
  const messages = {
    hold: (name: string) => log.push(`hold ${name}`),
    release: (name: string) => log.push(`release ${name}`),
    rejectChannel: (name: string, refusal?: { readonly code?: string }) =>
      log.push(`reject ${name} ${refusal?.code ?? 'nobody'}`),
    unknownOf: (name: string) => log.push(`unknown ${name}`),
  }
  const registry = createChannelRegistry({
    channels,
    call: (listener, ...payload) => listener(...payload),
    timers: createTimers(clock as never),
    onGap: ({ channel, reason }) => log.push(`gap ${channel} ${reason}`),
    onRecovered() {},
    onDropped() {},
  })
  if (joins) registry.holdMessages(messages)
  const notify = (type: string, names: readonly string[]) => void log.push(`${type} ${names}`)
  return {
    registry,
    clock,
    log,
    news() {
      const news = log.slice(read)
      read = log.length
      return news
    },
    open: (known = []) => registry.linkReady(LINK, { known, answers: true, notify }),
    openPlain: () => registry.linkReady(LINK, { known: [], answers: false, notify }),
    records: () => channels.size,
  }
}

const turn = (): Promise<void> => Promise.resolve()

/** `pending`, `ready`, or the code that a promise was rejected with. */
const outcome = async (ready: Promise<void>): Promise<string> => {
  const settled = ready.then(
    () => 'ready',
    error => error.code,
  )
  // As many turns as a chain of promises has links here.
  let soon: Promise<string> = Promise.resolve('pending')
  for (let left = 4; left; left--) soon = soon.then(text => text)
  return Promise.race([settled, soon])
}

describe('the server is told', () => {
  test('of a channel when the first subscription comes, and when the last one has gone', async () => {
    const { registry, open, news } = start()
    open()
    const [first, second] = [registry.subscribe('A'), registry.subscribe('A')]
    await turn()
    expect(news()).toEqual(['subscribe A'])
    first.unsubscribe()
    await turn()
    expect(news()).toEqual([])
    second.unsubscribe()
    await turn()
    expect(news()).toEqual(['unsubscribe A'])
  })

  test('nothing of a channel that comes and goes within one turn', async () => {
    const { registry, open, news, records } = start()
    open()
    registry.subscribe('A').unsubscribe()
    await turn()
    expect(news()).toEqual([])
    expect(records()).toBe(0)
  })

  test('of every channel on the next link, but for those that it knows from the handshake', () => {
    const { registry, open, news } = start()
    registry.subscribe(['A', 'B', 'C'])
    open(['B'])
    expect(news()).toEqual(['subscribe A,C'])
    registry.linkClosed()
    open()
    expect(news()).toEqual(['subscribe A,B,C'])
  })

  test('that a channel is left that it knows from the handshake and nobody wants any more', () => {
    const { open, news, records } = start()
    open(['A'])
    expect(news()).toEqual(['unsubscribe A'])
    expect(records()).toBe(0)
  })

  test('of a channel that only a poll has confirmed', () => {
    const { registry, open, news } = start()
    registry.subscribe('A')
    registry.confirmed('A')
    open()
    expect(news()).toEqual(['subscribe A'])
    registry.repeat()
    expect(news()).toEqual(['subscribe A'])
  })

  test('again of what it has not confirmed when it may have ignored it', () => {
    const { registry, open, news } = start()
    registry.subscribe(['A', 'B'])
    open()
    registry.confirmed('A')
    news()
    registry.repeat()
    expect(news()).toEqual(['subscribe B'])
  })
})

describe('a message of the application that subscribes', () => {
  test('tells a server without answers by itself', async () => {
    const { registry, openPlain, news } = start()
    openPlain()
    registry.manual('subscribe', ['A'])(true)
    await turn()
    expect(news()).toEqual([])
    expect(registry.names()).toEqual(['A'])
    registry.manual('unsubscribe', ['A'])(true)
    await turn()
    expect(news()).toEqual([])
    expect(registry.names()).toEqual([])
  })

  test('is followed by a question with a position where the server answers', () => {
    const { registry, open, news } = start()
    open()
    registry.manual('subscribe', ['A'])(true)
    expect(news()).toEqual(['subscribe A'])
  })

  test('leaves nothing behind when it is rejected', async () => {
    const { registry, open, news, records } = start()
    open()
    registry.manual('subscribe', ['A'])(false)
    await turn()
    expect(news()).toEqual([])
    expect(records()).toBe(0)
  })

  test('leaves the channel to a subscription that listens to it, too', async () => {
    const { registry, open, news } = start()
    open()
    registry.subscribe('A')
    await turn()
    news()
    registry.manual('unsubscribe', ['A'])(true)
    expect(news()).toEqual(['subscribe A'])
  })
})

describe('`ready`', () => {
  test('waits for the server to confirm every channel', async () => {
    const { registry, open } = start()
    open()
    const { ready } = registry.subscribe(['A', 'B'])
    await turn()
    registry.confirmed('A')
    expect(await outcome(ready)).toBe('pending')
    registry.confirmed('B')
    expect(await outcome(ready)).toBe('ready')
  })

  test('waits anew for all of them on the next link', async () => {
    const { registry, open } = start()
    open()
    const { ready } = registry.subscribe(['A', 'B'])
    await turn()
    registry.confirmed('A')
    registry.linkClosed()
    open()
    registry.confirmed('B')
    expect(await outcome(ready)).toBe('pending')
    registry.confirmed('A')
    expect(await outcome(ready)).toBe('ready')
  })

  test('resolves once a server that does not answer was asked', async () => {
    const { registry, openPlain } = start()
    const { ready } = registry.subscribe('A')
    expect(await outcome(ready)).toBe('pending')
    openPlain()
    expect(await outcome(ready)).toBe('ready')
  })

  test.each([
    ['FORBIDDEN where the server gives no code', undefined, 'FORBIDDEN', "The server gives no 'A'"],
    [
      'the code and the text of the server',
      { code: 'unmatched topic', message: 'No such topic' },
      'unmatched topic',
      'No such topic',
    ],
  ])('rejects with %s', async (_, refusal, code, message) => {
    const { registry, open } = start()
    open()
    const { ready } = registry.subscribe(['B', 'A'])
    await turn()
    registry.confirmed('B')
    registry.refused('A', refusal)
    await expect(ready).rejects.toMatchObject({ code, message, channel: 'A' })
  })

  test('rejects with CLOSED when the subscription or the client ends first', async () => {
    const { registry } = start()
    const first = registry.subscribe('A')
    const second = registry.subscribe('A')
    const outcomes = [outcome(first.ready), outcome(second.ready)]
    first.unsubscribe()
    registry.end()
    expect(await Promise.all(outcomes)).toEqual(['CLOSED', 'CLOSED'])
  })
})

describe('a channel that the server refuses', () => {
  test('is asked for again on the next link only', async () => {
    const { registry, open, news } = start()
    open()
    registry.subscribe('A')
    await turn()
    registry.refused('A')
    registry.subscribe('A')
    await turn()
    expect(news()).toEqual(['subscribe A'])
    registry.linkClosed()
    open()
    expect(news()).toEqual(['subscribe A'])
  })

  test('is asked for again on the same link after a while, where that is temporary', async () => {
    const { registry, open, news, clock } = start()
    open()
    const { ready } = registry.subscribe('A')
    await turn()
    registry.refused('A', { code: 'limit', retryAfterMs: 500 })
    await clock.advance(499)
    expect(news()).toEqual(['subscribe A'])
    await clock.advance(1)
    expect(news()).toEqual(['subscribe A'])
    registry.confirmed('A')
    expect(await outcome(ready)).toBe('ready')
  })
})

describe('a channel that the server ends on a living link', () => {
  test('is a gap, and asked for again after a while', async () => {
    const { registry, open, news, clock } = start()
    open()
    const gaps: unknown[] = []
    registry.subscribe('A', () => {}, { onGap: gap => gaps.push(gap) })
    await turn()
    registry.confirmed('A')
    registry.lost('A', { reason: 'crashed', retryAfterMs: 1000 })
    expect(gaps).toEqual([{ channel: 'A', reason: 'crashed' }])
    expect(news()).toEqual(['subscribe A', 'gap A crashed'])
    await clock.advance(1000)
    expect(news()).toEqual(['subscribe A'])
  })

  test('is not asked for after the link has closed: the next link asks at once', async () => {
    const { registry, open, news, clock } = start()
    open()
    registry.subscribe('A')
    await turn()
    registry.confirmed('A')
    registry.lost('A', { reason: 'crashed', retryAfterMs: 1000 })
    registry.linkClosed()
    open()
    news()
    await clock.advance(2000)
    expect(news()).toEqual([])
  })

  test('for good is asked for again when the application subscribes anew, and not before', async () => {
    const { registry, open, news } = start()
    open()
    const { ready } = registry.subscribe(['A', 'B'])
    await turn()
    registry.confirmed('A')
    registry.lost('A', { reason: 'closed' })
    expect(await outcome(ready)).toBe('CLOSED')
    registry.linkClosed()
    open()
    expect(news()).toEqual(['subscribe A,B', 'gap A closed', 'subscribe B'])
    registry.subscribe('A')
    await turn()
    expect(news()).toEqual(['subscribe A'])
  })
})

describe('messages of a protocol that joins channels', () => {
  test('wait while a channel is being joined, and leave when the server accepts', async () => {
    const { registry, open, news } = start({ joins: true })
    open()
    registry.subscribe('A')
    await turn()
    expect(news()).toEqual(['hold A', 'hold A', 'subscribe A'])
    registry.confirmed('A')
    expect(news()).toEqual(['release A'])
    registry.linkClosed()
    open()
    expect(news()).toEqual(['hold A', 'subscribe A'])
  })

  test.each<[string, (registry: ChannelRegistry) => void, string[]]>([
    [
      'are rejected with the code of a refusal',
      registry => registry.refused('A', { code: 'full' }),
      ['reject A full'],
    ],
    [
      'wait on when the refusal is temporary',
      registry => registry.refused('A', { retryAfterMs: 1 }),
      ['hold A'],
    ],
    [
      'wait on when the server asks to join again',
      registry => registry.lost('A', { reason: 'crashed', retryAfterMs: 1 }),
      ['hold A', 'unknown A', 'gap A crashed'],
    ],
    [
      'are unknown or rejected when the server ends the channel',
      registry => registry.lost('A', { reason: 'closed' }),
      ['unknown A', 'reject A CLOSED', 'gap A closed'],
    ],
  ])('%s', async (_, answer, expected) => {
    const { registry, open, news } = start({ joins: true })
    open()
    registry.subscribe('A')
    await turn()
    news()
    answer(registry)
    expect(news()).toEqual(expected)
  })

  test('are rejected when nobody listens to their channel any more', async () => {
    const { registry, open, news } = start({ joins: true })
    open()
    const subscription = registry.subscribe('A')
    await turn()
    news()
    subscription.unsubscribe()
    await turn()
    expect(news()).toEqual(['reject A nobody', 'unsubscribe A'])
  })
})

describe('a message of a channel', () => {
  test('reaches no further member once a listener has changed the user', () => {
    const { registry } = start()
    const heard: string[] = []
    registry.subscribe('A', () => {
      heard.push('first')
      registry.reset()
    })
    registry.subscribe('A', () => heard.push('second'))
    registry.deliver('A', 'message')
    expect(heard).toEqual(['first'])
  })

  test('reaches nobody after the client has ended', () => {
    const { registry } = start()
    const heard: unknown[] = []
    registry.subscribe('A', message => heard.push(message))
    registry.end()
    registry.deliver('A', 'message')
    expect(heard).toEqual([])
  })
})

test('no record and no timer is left of channels that nobody wants', async () => {
  const { registry, open, clock, records, news } = start()
  open()
  const subscription = registry.subscribe(['A', 'B', 'C', 'D'])
  await turn()
  registry.confirmed('A')
  registry.refused('B')
  registry.refused('C', { retryAfterMs: 1000 })
  registry.lost('A', { reason: 'closed' })
  subscription.unsubscribe()
  await turn()
  expect(records()).toBe(0)
  news()
  await clock.advance(2000)
  expect(news()).toEqual([])
})
