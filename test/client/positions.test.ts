/** Where a channel goes on: servers with and without positions, and answers that come late. */
import { envelope } from 'resilient-websocket'
import { describe, expect, test } from 'vitest'
import { start } from './support.ts'
import { sentOf, startV1, ticks, type V1Story, verdict } from './v1-support.ts'

const tick = (offset: number, channel = 'A'): object => ({
  type: 'tick',
  channel,
  offset,
  id: `${channel}${offset}`,
  data: offset,
})

const subscribed = (story: V1Story, at: number, channels: object): void => {
  const question = sentOf(story.network.socket(), 'subscribe')[at]
  story.receive('subscribed', { channels }, { replyTo: question?.['id'] })
}

describe('a server without positions', () => {
  test('may send offsets: what `fallback.parse` reads is delivered as it comes', async () => {
    for (const body of [
      { protocol: 1, data: [tick(5)], messages: [], channels: {} },
      { data: [tick(5)] },
    ]) {
      const story = start({
        reconnect: { maxAttempts: 0 },
        fallback: { parse: given => (given as typeof body).data },
      })
      story.network.onRequest = request => request.answer(body)
      story.socket.subscribe('A')
      story.network.socket().fail()
      await story.clock.settle()
      expect(story.messages.map(({ data }) => data)).toEqual([5])
    }
  })

  test('and so is what comes by a link that speaks no v1, from its first frame on', async () => {
    for (const version of ['auto', 0] as const) {
      const story = start({ protocol: envelope({ version }) })
      story.socket.subscribe('A')
      story.network.socket().open()
      story.network.socket().receive([tick(5), tick(6)])
      story.network.socket().receive(tick(9))
      expect(story.messages.map(({ data }) => data)).toEqual([5, 6, 9])
    }
  })

  test('polled by `fallback.parse`, it leaves each channel with its word when v1 takes over', async () => {
    const gaps: unknown[] = []
    const story = startV1({
      reconnect: { maxAttempts: 0 },
      fallback: { parse: body => body as never },
    })
    story.network.onRequest = request => request.answer([{ type: 'tick', channel: 'A', data: 1 }])
    story.socket.subscribe('A', () => {}, { onGap: gap => gaps.push(gap) })
    story.network.socket().fail()
    await story.clock.settle()
    expect(ticks(story)).toEqual([1])
    story.network.onRequest = () => {}
    story.socket.reconnect()
    await story.clock.settle()
    await story.agree({ channels: { A: verdict('e', 7) } })
    expect(gaps).toEqual([{ channel: 'A', reason: 'reconnected' }])
  })
})

describe('a listener that changes the user when it hears of a gap', () => {
  test.each([['epoch'], ['reconnected']])(
    'leaves no position of the former one: %s',
    async kind => {
      const story = startV1({ reconnect: { initialDelayMs: 100 } })
      story.socket.subscribe(['A', 'B'])
      if (kind === 'epoch') {
        await story.agree({ channels: { A: verdict('d', 7), B: verdict('d', 7) } })
      } else {
        story.network.socket().open()
        await story.clock.advance(1000)
      }
      story.network.socket().close(1006)
      await story.clock.advance(1000)
      const off = story.socket.on('gap', () => {
        off()
        story.socket.setIdentity('another')
      })
      const lost = verdict('e', 7, { recovered: false, reason: 'epoch' })
      await story.agree({ channels: { A: lost, B: lost } })
      await story.clock.advance(1000)
      story.greet()
      expect(story.hello().data['channels']).toEqual({ A: null, B: null })
    },
  )
})

describe('a channel that is left and wanted again while its first question is open', () => {
  const twice = async (): Promise<V1Story> => {
    const story = startV1()
    await story.agree()
    const first = story.socket.subscribe('B')
    await story.clock.settle()
    first.unsubscribe()
    await story.clock.settle()
    return story
  }

  test('begins where the answer to the second says', async () => {
    const story = await twice()
    story.socket.subscribe('B')
    await story.clock.settle()
    subscribed(story, 0, { B: verdict('e', 5) })
    story.network.socket().receive(tick(6, 'B'))
    story.receive('unsubscribed', { channels: ['B'] })
    subscribed(story, 1, { B: verdict('e', 8) })
    story.network.socket().receive(tick(9, 'B'))
    expect(ticks(story)).toEqual([9])
    expect(story.told).toEqual([])
    expect(sentOf(story.network.socket(), 'subscribe')).toHaveLength(2)
  })

  test('is not refused by the answer to the first', async () => {
    const story = await twice()
    const outcomes: unknown[] = []
    story.socket.subscribe('B').ready.then(
      () => outcomes.push('ready'),
      ({ code }) => outcomes.push(code),
    )
    await story.clock.settle()
    subscribed(story, 0, {})
    await story.clock.settle()
    expect(outcomes).toEqual([])
    subscribed(story, 1, { B: verdict('e', 8) })
    await story.clock.settle()
    expect(outcomes).toEqual(['ready'])
  })
})

test('what a poll misses during the greeting is asked for later, in a channel that is not in hello, too', async () => {
  const names = Array.from({ length: 60 }, (_, index) => `channel-${index}`)
  const last = 'channel-59'
  const story = startV1({
    reconnect: { maxAttempts: 0 },
    fallback: { intervalMs: 500, probeIntervalMs: 1e9 },
  })
  const at = (offset: number, of: readonly string[]): object =>
    Object.fromEntries(of.map(name => [name, verdict('e', offset)]))
  story.network.onRequest = request =>
    request.answer({ protocol: 1, messages: [], channels: at(1, names) })
  story.socket.subscribe(names)
  story.network.socket().fail()
  await story.clock.advance(100)
  story.socket.reconnect()
  await story.clock.settle()
  story.greet()
  story.network.onRequest = request =>
    request.answer({ protocol: 1, messages: [tick(3, last)], channels: {} })
  await story.clock.advance(600)
  const told = Object.keys(story.hello().data['channels'] as object)
  expect(told).not.toContain(last)
  story.welcome({ channels: at(1, told) })
  await story.clock.settle()
  const questions = (): ReturnType<typeof sentOf> => sentOf(story.network.socket(), 'subscribe')
  questions().forEach(({ data }, index) => {
    subscribed(story, index, at(1, Object.keys(data['channels'] as object)))
  })
  const before = questions().length
  story.network.socket().receive(tick(3, last))
  await story.clock.settle()
  expect(questions()).toHaveLength(before + 1)
})

test('RATE_LIMITED asks for no channel that was left meanwhile', async () => {
  const story = startV1()
  const { socket, clock, network } = story
  const subscription = socket.subscribe('A')
  await story.agree({ channels: { A: verdict('e', 1) } })
  network.socket().receive(tick(3))
  await clock.settle()
  subscription.unsubscribe()
  await clock.settle()
  story.receive('error', { code: 'RATE_LIMITED', message: 'x', retryAfterMs: 100 })
  await clock.advance(5000)
  const told = network
    .socket()
    .messages()
    .map(({ type }) => type)
  expect(told.filter(type => /subscribe/.test(`${type}`))).toEqual(['subscribe', 'unsubscribe'])
})

test('what a poll says is heard to its end, though a listener begins another link in the midst of it', async () => {
  const story = startV1({
    reconnect: { maxAttempts: 0 },
    fallback: { probeIntervalMs: 1e9, intervalMs: 1000 },
  })
  story.socket.subscribe(['A', 'B'])
  await story.agree({ channels: { A: verdict('e', 5), B: verdict('e', 5) } })
  const lost = verdict('f', 0, { recovered: false, reason: 'epoch' })
  const body = { protocol: 1, messages: [], channels: { A: verdict('e', 5), B: lost } }
  story.network.onRequest = () => {}
  story.network.socket().close(1006)
  await story.clock.settle()
  const poll = story.network.request()
  story.socket.reconnect()
  await story.clock.settle()
  story.network.socket().open()
  const off = story.socket.on('recovered', () => {
    off()
    story.socket.reconnect()
  })
  poll.answer(body, { headers: { etag: '"x"' } })
  await story.clock.settle()
  expect(story.told).toContain('gap B epoch')
})

test('what a plain server answers to polls has no positions, whatever the link is about to speak', async () => {
  const story = startV1({
    reconnect: { maxAttempts: 0 },
    fallback: { intervalMs: 1000, parse: body => body as never },
  })
  story.socket.subscribe('A')
  story.network.onRequest = request => request.answer([])
  story.network.socket().fail()
  await story.clock.settle()
  story.socket.reconnect()
  await story.clock.settle()
  story.greet()
  story.network.onRequest = request => request.answer([tick(5)])
  await story.clock.advance(1000)
  expect(ticks(story)).toEqual([5])
})
