import { createResilientWebSocket, type ResilientWebSocketOptions } from 'resilient-websocket'
import { type PhoenixMessage, type PhoenixPush, phoenix } from 'resilient-websocket/protocols'
import { createFakeNetwork } from 'resilient-websocket/testing'
import { describe, expect, test } from 'vitest'

type Frame = [string | null, string | null, string, string, unknown]

const start = (
  options: Parameters<typeof phoenix>[0] = {},
  more: ResilientWebSocketOptions<PhoenixMessage, PhoenixPush> = {},
) => {
  const network = createFakeNetwork()
  const socket = createResilientWebSocket({
    url: 'ws://phoenix.test/socket',
    protocol: phoenix(options),
    ...more,
    environment: network.environment,
  })
  const messages: PhoenixMessage[] = []
  const gaps: string[] = []
  socket.on('message', message => messages.push(message))
  socket.on('gap', ({ channel, reason }) => gaps.push(`${channel ?? '*'} ${reason}`))
  const sent = (): Frame[] => network.socket().sent.map(frame => JSON.parse(frame as string))
  const of = (event: string): Frame[] => sent().filter(frame => frame[3] === event)
  const last = (event: string): Frame => of(event).at(-1) as Frame
  const receive = (...frame: unknown[]): void => network.socket().receive(JSON.stringify(frame))
  const reply = ([joinRef, ref, topic]: Frame, status: 'ok' | 'error', response: unknown = {}) =>
    receive(joinRef, ref, topic, 'phx_reply', { status, response })
  return {
    network,
    clock: network.clock,
    socket,
    messages,
    gaps,
    of,
    last,
    receive,
    reply,
    /** The newest link opens, and the server accepts the join of the room. */
    async join(topic = 'room:a') {
      network.socket().open()
      socket.subscribe(topic)
      await network.clock.settle()
      reply(last('phx_join'), 'ok')
    },
  }
}

describe('the address', () => {
  test('gets /websocket, the version and the params, and keeps what it has', () => {
    const plain = start({ params: { user: 'ä b' } })
    expect(plain.network.socket().url).toBe(
      'ws://phoenix.test/socket/websocket?user=%C3%A4+b&vsn=2.0.0',
    )
    const whole = start({}, { url: 'ws://phoenix.test/socket/websocket?apikey=1' })
    expect(whole.network.socket().url).toBe('ws://phoenix.test/socket/websocket?apikey=1&vsn=2.0.0')
  })

  test('params may be asked for before every dial, also asynchronously', async () => {
    let asked = 0
    const { network, clock } = start({ params: async () => ({ n: ++asked }) })
    await clock.settle()
    expect(network.socket().url).toContain('?n=1&')
    network.socket().close()
    await clock.advance(5000)
    expect(network.socket().url).toContain('?n=2&')
  })

  test('params that cannot be had fail the dial, which is tried again', async () => {
    const errors: string[] = []
    let fails = true
    const { network, clock, socket } = start({
      params: async () => {
        if (fails) throw new Error('no session')
        return {}
      },
    })
    socket.on('error', ({ message }) => errors.push(message))
    await clock.settle()
    expect(errors).toEqual(['no session'])
    fails = false
    await clock.advance(5000)
    network.socket().open()
    expect(socket.status).toBe('OPEN')
  })

  test('the token goes as a subprotocol and not in the URL', async () => {
    const { network, clock } = start({}, { token: 'ü?>' })
    await clock.settle()
    expect(network.socket().protocols).toEqual(['phoenix', 'base64url.bearer.phx.w7w_Pg'])
    expect(network.socket().url).not.toContain('token')
  })
})

describe('a channel', () => {
  test('is joined with its payload, and `ready` waits for the answer', async () => {
    const story = start({ joinPayload: async topic => ({ topic }) })
    story.network.socket().open()
    const { ready } = story.socket.subscribe('room:a')
    await story.clock.settle()
    const frame = story.last('phx_join')
    expect(frame).toEqual([frame[1], frame[1], 'room:a', 'phx_join', { topic: 'room:a' }])
    story.reply(frame, 'ok')
    await expect(ready).resolves.toBeUndefined()
  })

  test('its messages reach the application, and those of a join that is over do not', async () => {
    const story = start()
    await story.join()
    const [joinRef] = story.last('phx_join')
    story.receive(null, null, 'room:a', 'shout', { n: 1 })
    story.receive(joinRef, null, 'room:a', 'direct', { n: 2 })
    story.receive('older', null, 'room:a', 'direct', { n: 3 })
    expect(story.messages).toEqual([
      { type: 'shout', channel: 'room:a', data: { n: 1 } },
      { type: 'direct', channel: 'room:a', data: { n: 2 } },
    ])
    expect(story.socket.metrics()).toMatchObject({ outdated: 1 })
  })

  test('a join that is refused rejects `ready` with its code, and is asked again on the next link only', async () => {
    const story = start()
    story.network.socket().open()
    const { ready } = story.socket.subscribe('room:a')
    const waiting = story.socket.send({ type: 'shout', channel: 'room:a' })
    await story.clock.settle()
    story.reply(story.last('phx_join'), 'error', { reason: 'unauthorized' })
    await expect(ready).rejects.toMatchObject({ code: 'unauthorized' })
    expect(waiting).toMatchObject({
      state: 'rejected',
      reason: 'unauthorized',
      code: 'unauthorized',
    })
    const later = story.socket.send({ type: 'shout', channel: 'room:a' })
    expect(later).toMatchObject({ state: 'rejected', reason: 'unauthorized', code: 'unauthorized' })
    await story.clock.advance(10_000)
    expect(story.of('phx_join')).toHaveLength(1)
    story.network.socket().close()
    await story.clock.advance(5000)
    story.network.socket().open()
    await story.clock.settle()
    expect(story.of('phx_join')).toHaveLength(1)
  })

  test('an error of the channel is a gap, and it is joined again after 1, 2, 5 and 10 s', async () => {
    const story = start()
    await story.join()
    let joins = 1
    for (const delayMs of [1000, 2000, 5000, 10_000, 10_000]) {
      const [joinRef] = story.last('phx_join')
      story.receive(joinRef, joinRef, 'room:a', 'phx_error', {})
      await story.clock.advance(delayMs - 1)
      expect(story.of('phx_join')).toHaveLength(joins)
      await story.clock.advance(1)
      expect(story.of('phx_join')).toHaveLength(++joins)
    }
    expect(story.gaps).toEqual(Array(5).fill('room:a error'))
    story.reply(story.last('phx_join'), 'ok')
    const [joinRef] = story.last('phx_join')
    story.receive(joinRef, joinRef, 'room:a', 'phx_error', {})
    await story.clock.advance(1000)
    expect(story.of('phx_join')).toHaveLength(++joins)
  })

  test('one that the server closes is told as a gap, and joined again for a new subscription only', async () => {
    const story = start()
    await story.join()
    const [joinRef] = story.last('phx_join')
    story.receive(joinRef, joinRef, 'room:a', 'phx_close', {})
    await story.clock.advance(20_000)
    expect(story.gaps).toEqual(['room:a closed'])
    expect(story.of('phx_join')).toHaveLength(1)
    story.socket.subscribe('room:a')
    await story.clock.settle()
    expect(story.of('phx_join')).toHaveLength(2)
  })

  test('is left when nobody listens any more', async () => {
    const story = start()
    story.network.socket().open()
    const subscription = story.socket.subscribe('room:a')
    await story.clock.settle()
    const joined = story.last('phx_join')
    story.reply(joined, 'ok')
    subscription.unsubscribe()
    await story.clock.settle()
    expect(story.last('phx_leave').slice(0, 3)).toEqual([joined[0], expect.any(String), 'room:a'])
    story.receive(null, null, 'room:a', 'shout', {})
    expect(story.messages).toEqual([])
  })

  test('a payload that cannot be had rejects `ready`, and one that comes after the link is dropped', async () => {
    const failing = start({ joinPayload: () => Promise.reject(new Error('signed out')) })
    failing.network.socket().open()
    await expect(failing.socket.subscribe('room:a').ready).rejects.toMatchObject({
      code: 'JOIN_PAYLOAD',
      message: 'signed out',
    })
    const answers: ((payload: Readonly<Record<string, unknown>>) => void)[] = []
    const slow = start({ joinPayload: () => new Promise(resolve => answers.push(resolve)) })
    slow.network.socket().open()
    slow.socket.subscribe('room:a')
    await slow.clock.settle()
    slow.network.socket().close()
    await slow.clock.advance(5000)
    slow.network.socket().open()
    await slow.clock.settle()
    answers[0]?.({ n: 1 })
    answers[1]?.({ n: 2 })
    await slow.clock.settle()
    expect(slow.of('phx_join').map(frame => frame[4])).toEqual([{ n: 2 }])
  })

  test('a join without an answer is given up after the timeout, and tried again', async () => {
    const story = start({ replyTimeoutMs: 3000 })
    story.network.socket().open()
    const { ready } = story.socket.subscribe('room:a')
    await story.clock.advance(3000)
    expect(story.of('phx_leave')).toHaveLength(1)
    await story.clock.advance(1000)
    expect(story.of('phx_join')).toHaveLength(2)
    story.reply(story.last('phx_join'), 'ok')
    await expect(ready).resolves.toBeUndefined()
  })
})

describe('a push', () => {
  test('waits for the join of its channel, and holds up no other channel', async () => {
    const story = start()
    await story.join('room:a')
    story.socket.subscribe('room:b')
    const held = story.socket.send({ type: 'first', channel: 'room:b' })
    const other = story.socket.send({ type: 'second', channel: 'room:a' })
    await story.clock.settle()
    expect(held.state).toBe('queued')
    expect(other.state).toBe('in-flight')
    const joined = story.last('phx_join')
    story.reply(joined, 'ok')
    expect(held.state).toBe('in-flight')
    expect(story.last('first')).toEqual([joined[0], held.id, 'room:b', 'first', {}])
  })

  test('is acked by its ok reply, and rejected with the code of an error reply', async () => {
    const story = start()
    await story.join()
    const good = story.socket.send({ type: 'shout', channel: 'room:a', data: { n: 1 } })
    const bad = story.socket.send({ type: 'shout', channel: 'room:a', data: { n: 2 } })
    const [first, second] = story.of('shout')
    story.reply(first as Frame, 'ok')
    story.reply(second as Frame, 'error', { reason: 'too loud' })
    expect(good.state).toBe('acked')
    expect(bad).toMatchObject({
      state: 'rejected',
      reason: 'refused',
      code: 'too loud',
      detail: '{"reason":"too loud"}',
    })
    expect(story.messages).toEqual([])
  })

  test('without a reply in time is sent, and leaves room for the next', async () => {
    const story = start({}, { queue: { maxInFlight: 1 } })
    await story.join()
    const first = story.socket.send({ type: 'one', channel: 'room:a' })
    const second = story.socket.send({ type: 'two', channel: 'room:a' })
    await story.clock.advance(9999)
    expect([first.state, second.state]).toEqual(['in-flight', 'queued'])
    await story.clock.advance(1)
    expect([first.state, second.state]).toEqual(['sent', 'in-flight'])
  })

  test('is unknown when the link breaks before its reply', async () => {
    const story = start()
    await story.join()
    const delivery = story.socket.send({ type: 'shout', channel: 'room:a' })
    story.network.socket().close()
    await story.clock.settle()
    expect(delivery.state).toBe('unknown')
  })

  test('is unknown when its channel breaks before its reply', async () => {
    const story = start()
    await story.join()
    const delivery = story.socket.send({ type: 'shout', channel: 'room:a' })
    const [joinRef] = story.last('phx_join')
    story.receive(joinRef, joinRef, 'room:a', 'phx_error', {})
    expect(delivery.state).toBe('unknown')
  })

  test('to a channel without a subscription is rejected as invalid', () => {
    const story = start()
    story.network.socket().open()
    expect(story.socket.send({ type: 'shout', channel: 'room:z' })).toMatchObject({
      state: 'rejected',
      reason: 'invalid',
    })
    expect(() => story.socket.send({ type: 'shout' } as never)).toThrow(
      'send: expected { type: string, channel: string, data }, got type string and channel undefined',
    )
  })

  test('a request is answered with the response, and rejects with the code of an error', async () => {
    const story = start()
    await story.join()
    const answered = story.socket.request({ type: 'ask', channel: 'room:a', data: { q: 1 } })
    story.reply(story.last('ask'), 'ok', { a: 2 })
    await expect(answered).resolves.toMatchObject({ channel: 'room:a', data: { a: 2 } })
    const refused = story.socket.request({ type: 'ask', channel: 'room:a' })
    story.reply(story.last('ask'), 'error', { reason: 'busy', retry: 5 })
    await expect(refused).rejects.toMatchObject({
      code: 'busy',
      cause: { reason: 'busy', retry: 5 },
    })
    expect(story.messages).toEqual([])
  })
})

describe('binary frames', () => {
  const bytes = (...parts: (number | string)[]): ArrayBuffer =>
    new Uint8Array(
      parts.flatMap(part =>
        typeof part === 'number' ? [part] : [...new TextEncoder().encode(part)],
      ),
    ).buffer

  test('of every kind are read', async () => {
    const story = start()
    await story.join('r')
    const [joinRef] = story.last('phx_join') as [string, ...unknown[]]
    const network = story.network.socket()
    network.receive(bytes(0, joinRef.length, 1, 2, joinRef, 'r', 'up', 1, 2) as never)
    network.receive(bytes(2, 1, 4, 'r', 'down', 3) as never)
    network.receive(bytes(4, 1, 3, 2, 1, 'r', 'cur', '{}', '{"x":1}') as never)
    network.receive(bytes(4, 1, 3, 0, 0, 'r', 'raw', 9) as never)
    expect(story.messages).toEqual([
      { type: 'up', channel: 'r', data: bytes(1, 2) },
      { type: 'down', channel: 'r', data: bytes(3) },
      {
        type: 'broadcast',
        channel: 'r',
        data: { type: 'broadcast', event: 'cur', payload: { x: 1 } },
      },
      {
        type: 'broadcast',
        channel: 'r',
        data: { type: 'broadcast', event: 'raw', payload: bytes(9) },
      },
    ])
    const delivery = story.socket.send({
      type: 'up',
      channel: 'r',
      data: new Uint8Array([7, 8]),
      id: 'i',
    })
    expect(network.sent.at(-1)).toEqual(
      bytes(0, joinRef.length, 1, 1, 2, joinRef, 'i', 'r', 'up', 7, 8),
    )
    network.receive(bytes(1, joinRef.length, 1, 1, 2, joinRef, 'i', 'r', 'ok') as never)
    expect(delivery.state).toBe('acked')
  })

  test.each([bytes(9), '{}', '[]', 'no'])(
    'one that is none is an error, and the link lives',
    async frame => {
      const story = start()
      await story.join()
      const errors: string[] = []
      story.socket.on('error', ({ code }) => errors.push(code))
      story.network.socket().receive(frame as never)
      expect(errors).toEqual(['BAD_MESSAGE'])
      expect(story.socket.status).toBe('OPEN')
    },
  )
})

test('silence is answered by a heartbeat of Phoenix, whose reply is a sign of life', async () => {
  const story = start({}, { heartbeat: { intervalMs: 1000, timeoutMs: 500 } })
  story.network.socket().open()
  await story.clock.advance(1000)
  const ping = story.last('heartbeat')
  expect(ping).toEqual([null, expect.any(String), 'phoenix', 'heartbeat', {}])
  await story.clock.advance(30)
  story.reply(ping, 'ok')
  expect(story.socket.getSnapshot().latencyMs).toBe(30)
  await story.clock.advance(1500)
  await story.clock.advance(1500)
  expect(story.socket.status).toBe('RECONNECTING')
})

test('a timeout that is none is refused', () => {
  expect(() => phoenix({ replyTimeoutMs: 0 })).toThrow(
    'phoenix.replyTimeoutMs: expected a number > 0, got 0',
  )
})
