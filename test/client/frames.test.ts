import { envelope } from 'resilient-websocket'
import { describe, expect, test } from 'vitest'
import { start } from './support.ts'
import { sequence, startV1 } from './v1-support.ts'

/** Frames that are no messages: each is one error, and nothing else. */
const BAD: readonly [name: string, frame: string | ArrayBuffer][] = [
  ['no JSON', 'hello'],
  ['nothing', ''],
  ['half a message', '{"type":"tick"'],
  ['a page', '<!doctype html><html></html>'],
  ['binary', new ArrayBuffer(4)],
  ['empty binary', new ArrayBuffer(0)],
  ['a number', '1'],
  ['a string', '"tick"'],
  ['null', 'null'],
  ['true', 'true'],
  ['an empty object', '{}'],
  ['no type', '{"data":1}'],
  ['a type that is a number', '{"type":1}'],
  ['a type that is null', '{"type":null}'],
  ['a type that is an object', '{"type":{"toString":"x"}}'],
  ['a type that is an array', '{"type":["tick"]}'],
  ['an array of null', '[null]'],
  ['an array of a number', '[1]'],
  ['a message without a type in an array', '[{"data":1}]'],
  ['__proto__ instead of a type', '{"__proto__":{"type":"tick"}}'],
  ['ten thousand levels', `${'['.repeat(10_000)}${']'.repeat(10_000)}`],
  ['a NUL', '\u0000'],
  ['NaN', 'NaN'],
  ['two objects', '{"type":"a"}{"type":"b"}'],
  ['a trailing comma', '{"type":"a",}'],
  ['a comment', '/* */ {"type":"a"}'],
  ['single quotes', "{'type':'a'}"],
  ['undefined', 'undefined'],
  ['a byte order mark', '\uFEFF{"type":"a"}'],
  ['a control character in a string', '{"type":"a\u0001"}'],
  ['a lone surrogate outside a string', '\uD800'],
]

/** Frames of a hostile server that are well-formed: they change nothing and break nothing. */
const ODD: readonly [name: string, frame: string][] = [
  ['an array of nothing', '[]'],
  [
    'terms that are none',
    '{"type":"connection","data":{"heartbeat":{"intervalMs":-1,"timeoutMs":"x"},"rateLimit":{"limit":0,"perMs":null},"maxPayload":-5}}',
  ],
  [
    'terms without end',
    '{"type":"connection","data":{"heartbeat":{"intervalMs":1e400},"rateLimit":{"limit":1e400,"perMs":1},"maxPayload":1e400}}',
  ],
  ['terms of another kind', '{"type":"connection","data":[1,2,3]}'],
  ['terms of null', '{"type":"connection","data":null}'],
  ['a pong that nobody asked for', '{"type":"pong","replyTo":"x"}'],
  ['a pong with an object for an id', '{"type":"pong","replyTo":{}}'],
]

/** The same of a server that speaks protocol v1, while its welcome is waited for. */
const ODD_V1: readonly [name: string, frame: string][] = [
  ['an ack', '{"type":"ack","data":{"seq":1e9}}'],
  ['a subscribed that nobody asked for', '{"type":"subscribed","data":{"channels":["A"]}}'],
  ['a hello from the wrong side', '{"type":"hello"}'],
]

describe('a frame that is no message', () => {
  test.each(BAD)('%s: one clear error, and the link lives on', (_, frame) => {
    const { accept, network, socket, errors, messages } = start()
    accept()
    network.socket().receive(frame)
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatch(/\S/)
    expect(messages).toEqual([])
    network.socket().receive({ type: 'tick', data: 1 })
    expect(messages).toHaveLength(1)
    expect(socket.status).toBe('OPEN')
    expect(socket.error?.code).toBe('BAD_MESSAGE')
  })

  test('JSON in a binary frame is told by its size, with what to do', () => {
    const { accept, network, errors, messages, socket } = start()
    accept()
    network.socket().receive(new TextEncoder().encode('{"type":"tick"}').buffer)
    expect(messages).toEqual([])
    expect(errors).toEqual([
      'expected a text frame of JSON, got a binary frame of 15 bytes; send JSON as text from the server, or use raw() for a server that does not send JSON',
    ])
    expect(socket.metrics()['undecodable']).toBe(1)
  })

  test('text that is no JSON is told by its length, with what to do', () => {
    const { accept, network, errors } = start()
    accept()
    network.socket().receive('<html>')
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatch(
      /^expected a frame of JSON, got 6 characters that are none: .*; use raw\(\) for a server that does not send JSON$/,
    )
  })

  test('there are more than thirty kinds of them above', () =>
    expect(BAD.length).toBeGreaterThan(30))

  test('a bad element of an array does not cost its neighbours', () => {
    const { accept, network, errors, messages } = start()
    accept()
    network.socket().receive([{ type: 'a' }, null, { data: 1 }, { type: 'b' }])
    expect(messages.map(({ type }) => type)).toEqual(['a', 'b'])
    expect(errors).toHaveLength(2)
  })
})

describe('an odd frame of a hostile server', () => {
  test.each(ODD)('%s: nothing comes of it', async (_, frame) => {
    const { accept, network, socket, clock, messages } = start()
    accept()
    network.socket().receive(frame)
    socket.send({ type: 'order' })
    await clock.advance(1000)
    expect(messages).toEqual([])
    expect(
      network
        .socket()
        .messages()
        .map(({ type }) => type),
    ).toEqual(['order'])
    expect(socket.status).toBe('OPEN')
  })

  test.each(ODD_V1)('%s before its welcome: nothing comes of it', async (_, frame) => {
    const { greet, welcome, network, socket, clock, messages } = startV1()
    greet()
    network.socket().receive(frame)
    welcome()
    socket.send({ type: 'order' })
    await clock.advance(1000)
    expect(messages).toEqual([])
    expect(sequence(network.socket())).toEqual(['1 order'])
    expect(socket.status).toBe('OPEN')
  })

  test('an error without code and words is an error all the same', () => {
    const { accept, network, errors } = start()
    accept()
    for (const data of [undefined, null, 5, {}, { code: 5, message: {} }]) {
      network.socket().receive({ type: 'error', data })
    }
    expect(errors).toHaveLength(5)
  })

  test('a server cannot silence the client for ever, nor keep it from leaving', async () => {
    const { accept, network, socket, clock } = start({ heartbeat: false })
    accept()
    network.socket().receive({ type: 'reconnect', data: { afterMs: 1e300, jitterMs: 'x' } })
    await clock.advance(3_600_000)
    expect(socket.stateHistory.at(-1)?.reason).toBe('Server asked to reconnect')
  })
})

describe('what belongs to the protocol', () => {
  test('a ping is answered in the same turn, with its data and its id, and never reaches the application', () => {
    const { accept, network, socket, messages } = start()
    accept()
    let answered = 0
    socket.onChange(() => answered++)
    network.socket().receive({ type: 'ping', id: 'p', data: { timestamp: 5 } })
    expect(network.socket().messages()).toMatchObject([
      { type: 'pong', data: { timestamp: 5 }, replyTo: 'p' },
    ])
    expect(messages).toEqual([])
    expect(socket.lastMessage).toBeNull()
  })

  test('a pong goes out past a full bucket', () => {
    const { accept, network, socket } = start({ queue: { ratePerSecond: 1 } })
    accept()
    for (let count = 0; count < 5; count++) socket.send({ type: 'order' })
    network.socket().receive({ type: 'ping' })
    expect(
      network
        .socket()
        .messages()
        .map(({ type }) => type),
    ).toEqual(['order', 'pong'])
  })

  test.each(
    'connection hello ack nack skip subscribe subscribed unsubscribe unsubscribed auth authenticated ping pong error reconnect'.split(
      ' ',
    ),
  )('%s of a server of protocol v1 never reaches the application', async type => {
    const { agree, receive, messages } = startV1()
    await agree()
    receive(type, {})
    expect(messages).toEqual([])
  })

  test.each('connection ping pong error reconnect'.split(' '))(
    '%s of a plain server never reaches the application',
    type => {
      const { accept, network, messages } = start()
      accept()
      network.socket().receive({ type, data: {} })
      expect(messages).toEqual([])
    },
  )

  test.each(
    'hello welcome ack nack skip subscribe subscribed unsubscribe unsubscribed auth authenticated'.split(
      ' ',
    ),
  )('%s of a plain server is its own, also as its first message', type => {
    for (const greeting of [[{ type: 'connection', data: {} }], []]) {
      const { network, messages, errors, socket } = start()
      network.socket().open()
      for (const message of greeting) network.socket().receive(message)
      network.socket().receive({ type, data: { any: 'thing' }, id: 'x' })
      expect(messages).toEqual([{ type, data: { any: 'thing' }, id: 'x' }])
      expect(errors).toEqual([])
      expect(socket.getSnapshot().phase).toBe('ready')
    }
  })

  test('a server that speaks v1 is none that is plain, also to a client that does not, or was late', async () => {
    const never = start({ protocol: envelope({ version: 0 }) })
    never.network.socket().open()
    never.network.socket().receive({ type: 'connection', data: { protocol: 1 } })
    never.network.socket().receive({ type: 'subscribed', data: { channels: {} } })
    const late = start()
    late.network.socket().open()
    await late.clock.advance(1000)
    late.network.socket().receive({ type: 'connection', data: { protocol: 1 } })
    late.network.socket().receive({ type: 'subscribed', data: { channels: {} } })
    expect([never.messages, late.messages]).toEqual([[], []])
  })

  test('a connection that is not the first message makes no server of v1', async () => {
    const { network, messages, socket, clock } = start()
    network.socket().open()
    network.socket().receive([{ type: 'tick' }, { type: 'connection', data: { protocol: 1 } }])
    network.socket().receive({ type: 'subscribed' })
    await clock.advance(1000)
    expect(messages.map(({ type }) => type)).toEqual(['tick', 'subscribed'])
    expect(network.socket().sent).toEqual([])
    expect(socket.getSnapshot().phase).toBe('ready')
  })

  test('what a fallback parses for a plain server is its own, too', async () => {
    const { network, socket, clock, messages } = start({
      reconnect: { maxAttempts: 0 },
      fallback: { parse: () => [{ type: 'welcome' }, { type: 'subscribed' }, { type: 'ping' }] },
    })
    network.socket().fail()
    await clock.settle()
    network.request().answer({})
    await clock.settle()
    expect(messages.map(({ type }) => type)).toEqual(['welcome', 'subscribed'])
    expect(socket.metrics()['reserved']).toBe(1)
  })

  test.each(['echo', 'market_data', 'signal', 'alert', 'anything'])('%s does', type => {
    const { accept, network, messages } = start()
    accept()
    network.socket().receive({ type, data: {} })
    expect(messages).toHaveLength(1)
  })

  test('a server that says nothing is waited for a second, and the queue with it', async () => {
    const { network, socket, clock } = start()
    socket.send({ type: 'order' })
    network.socket().open()
    expect(socket.getSnapshot()).toMatchObject({ status: 'OPEN', phase: 'authenticating' })
    await clock.advance(999)
    expect(network.socket().sent).toEqual([])
    await clock.advance(1)
    expect(socket.getSnapshot().phase).toBe('ready')
    expect(network.socket().sent).toHaveLength(1)
  })
})
