import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { answerPolls, start } from './support.ts'
import { sentOf, startV1, ticks, verdict } from './v1-support.ts'

const warnings = (log: readonly string[]): string[] => log.filter(line => line.startsWith('warn'))
const debugs = (log: readonly string[]): string[] =>
  log.filter(line => line.startsWith('debug') && line.includes('Dropped'))

describe('an id that is no name suppresses nothing', () => {
  test.each([
    [
      'one of two order ids past 2^53 that are one number',
      ['8389766036995847940', '8389766036995848192'],
    ],
    ['an empty one', ['""', '""']],
    ['a fraction', ['1.5', '1.5']],
    ['a boolean', ['true', 'true']],
    ['an object', ['{"a":1}', '{"a":1}']],
    ['null', ['null', 'null']],
  ])('%s', (_, ids) => {
    const { accept, network, messages, socket } = start()
    accept()
    for (const id of ids) network.socket().receive(`{"type":"order","id":${id}}`)
    expect(messages).toHaveLength(2)
    expect(socket.metrics()['duplicate']).toBeUndefined()
  })

  test.each(['"a"', '" "', '1', '0', '-1', '9007199254740991'])('%s is a name', id => {
    const { accept, network, messages } = start()
    accept()
    for (let count = 0; count < 2; count++) {
      network.socket().receive(`{"type":"order","id":${id}}`)
    }
    expect(messages).toHaveLength(1)
  })

  test('nor does a key of the application that is none, or that throws', () => {
    const { accept, network, messages, errors } = start({
      dedupe: { key: ({ data }) => (data as { key: unknown }).key },
    })
    accept()
    for (const data of [{ key: '' }, { key: '' }, { key: 2 ** 60 }, { key: 2 ** 60 }, null, null]) {
      network.socket().receive({ type: 'tick', data })
    }
    expect(messages).toHaveLength(6)
    expect(errors).toHaveLength(2)
  })
})

describe('names count per channel', () => {
  test('one id on two channels of a plain server reaches both, once each', async () => {
    const { accept, network, socket, messages } = start()
    accept()
    const heard: string[] = []
    socket.subscribe(['A', 'B'], (_, channel) => heard.push(channel))
    for (const channel of ['A', 'B', 'A', 'B']) {
      network.socket().receive({ type: 'tick', id: '1', channel })
    }
    network.socket().receive({ type: 'reply', id: '1' })
    expect(heard).toEqual(['A', 'B'])
    expect(messages.map(({ channel }) => channel)).toEqual(['A', 'B', undefined])
  })

  test('also when they are polled', async () => {
    const { network, clock, messages } = start({
      reconnect: { maxAttempts: 0 },
      fallback: { parse: () => ['A', 'B'].map(channel => ({ type: 'tick', id: '1', channel })) },
    })
    answerPolls(network)
    network.socket().fail()
    await clock.advance(12_000)
    expect(network.requests.length).toBeGreaterThan(1)
    expect(messages.map(({ channel }) => channel)).toEqual(['A', 'B'])
  })
})

describe('what came and is not delivered is counted by its reason, and logged', () => {
  test('a duplicate', () => {
    const { accept, network, socket, log } = start()
    accept()
    for (let count = 0; count < 3; count++) network.socket().receive({ type: 'tick', id: 'x' })
    expect(socket.metrics()['duplicate']).toBe(2)
    expect(debugs(log)).toEqual(
      Array(2).fill('debug [WebSocket] Dropped (duplicate): {"type":"tick","id":"x"}'),
    )
  })

  test('what is no message, and what the schema does not take', () => {
    const schema = z.object({ type: z.literal('tick') })
    const { accept, network, socket, log, errors } = start({ schema: schema as never })
    accept()
    for (const frame of ['no json', [1, { data: 1 }], { type: 'other' }]) {
      network.socket().receive(frame)
    }
    expect(socket.metrics()).toMatchObject({ undecodable: 3, schema: 1, error: 4 })
    expect(errors).toHaveLength(4)
    expect(debugs(log)).toEqual([
      'debug [WebSocket] Dropped (undecodable): "no json"',
      'debug [WebSocket] Dropped (undecodable): 1',
      'debug [WebSocket] Dropped (undecodable): {"data":1}',
      'debug [WebSocket] Dropped (schema): {"type":"other"}',
    ])
  })

  test('offsets below and above the cursor, and before the server has said where a channel begins', async () => {
    const story = startV1()
    const { socket, log, clock } = story
    socket.subscribe('A')
    await story.agree({ channels: { A: verdict('e', 5) } })
    for (const offset of [6, 6, 5, 9]) story.receive('tick', offset, { channel: 'A', offset })
    socket.subscribe('B')
    await clock.settle()
    story.receive('tick', 1, { channel: 'B', offset: 1 })
    expect(ticks(story)).toEqual([6])
    expect(socket.metrics()).toMatchObject({ belowCursor: 2, aboveCursor: 1, noCursor: 1 })
    expect(debugs(log).map(line => /\((\w+)\)/.exec(line)?.[1])).toEqual([
      'belowCursor',
      'belowCursor',
      'aboveCursor',
      'noCursor',
    ])
    expect(sentOf(story.network.socket(), 'subscribe')).toHaveLength(2)
  })

  test('the rest of a frame whose listener has ended the link, and types of the protocol', async () => {
    const story = startV1()
    await story.agree()
    story.receive('subscribe', { channels: ['A'] })
    story.receive('pong', {}, { replyTo: 'nobody' })
    story.socket.on('message', () => story.socket.disconnect())
    story.network.socket().receive([{ type: 'a' }, { type: 'b' }, { type: 'c' }])
    expect(story.socket.metrics()).toMatchObject({ reserved: 2, ended: 2 })
  })

  test('what a slow reader does not read', async () => {
    const { accept, network, socket } = start()
    accept()
    const reader = socket.subscribe('A', undefined, { bufferSize: 2 })[Symbol.asyncIterator]()
    reader.next()
    for (let data = 0; data < 5; data++) {
      network.socket().receive({ type: 'tick', channel: 'A', data })
    }
    expect(socket.metrics()).toMatchObject({ overflow: 3, message: 5 })
  })
})

describe('one warning', () => {
  const reuse = (story: ReturnType<typeof start>, times: number, type = 'next'): void => {
    for (let data = 0; data < times; data++) {
      story.network.socket().receive({ type, id: 'sub-1', data })
    }
  }

  test('tells of a type that reuses an id for a whole subscription', () => {
    const story = start()
    story.accept()
    // Others have ids that are names.
    for (let id = 0; id < 100; id++) story.network.socket().receive({ type: 'tick', id })
    reuse(story, 9)
    expect(warnings(story.log)).toEqual([])
    reuse(story, 500)
    expect(warnings(story.log)).toEqual([
      "warn [WebSocket] 9 of 10 messages of type 'next' were dropped: a message with the same id came before (the last: 'sub-1'). If the id does not name one message, set dedupe.key to what does, or dedupe: false",
    ])
    expect(story.socket.metrics()['duplicate']).toBe(508)
  })

  test('tells of offsets that a server counts anew within one epoch', async () => {
    const story = startV1()
    story.socket.subscribe('A')
    await story.agree({ channels: { A: verdict('e', 5000) } })
    for (let offset = 1; offset <= 300; offset++) {
      story.receive('tick', offset, { channel: 'A', offset })
    }
    expect(warnings(story.log)).toEqual([
      "warn [WebSocket] 99 of 100 messages of type 'tick' were dropped: their offset is not the next of the channel (the last: belowCursor, offset 99 of 'A'). A server that counts anew has to name another epoch",
    ])
  })

  test('is not about a few that come twice', () => {
    const story = start()
    story.accept()
    for (let id = 0; id < 200; id++) {
      for (let times = id % 3 ? 1 : 2; times; times--) {
        story.network.socket().receive({ type: 'tick', id })
      }
    }
    expect(story.messages).toHaveLength(200)
    expect(warnings(story.log)).toEqual([])
  })

  test('is not about what a server says again after a reconnect', async () => {
    const { accept, clock, network, log, messages } = start()
    const tell = (): void => {
      for (let id = 0; id < 50; id++) network.socket().receive({ type: 'tick', id })
    }
    accept()
    tell()
    network.socket().close(1006)
    await clock.advance(4000)
    accept()
    tell()
    expect(messages).toHaveLength(50)
    expect(warnings(log)).toEqual([])
  })

  test('is not about polls, which bring again what has not changed', async () => {
    const { network, clock, log, socket } = start({
      reconnect: { maxAttempts: 0 },
      fallback: { parse: () => [1, 2, 3].map(id => ({ type: 'tick', id })) },
    })
    answerPolls(network)
    network.socket().fail()
    await clock.advance(60_000)
    expect(socket.metrics()['duplicate']).toBeGreaterThan(20)
    expect(warnings(log)).toEqual([])
  })
})
