import { afterEach, describe, expect, test, vi } from 'vitest'
import { nodeEnvironment } from '../../src/server/environment.ts'
import type { ServerClient, ServerOptions } from '../../src/server/index.ts'
import { connect, type Peer, type RunningServer, startServer } from './support.ts'

const SID = 'a-session-of-this-test'
const HANDLER_MS = 7777
const AUTH_MS = 8888

afterEach(() => void vi.restoreAllMocks())

/** Timers of one length wait for the test; all others run as they are. */
const holdTimers = (ms: number) => {
  const due = new Map<unknown, () => void>()
  const { setTimeout, clearTimeout } = nodeEnvironment
  vi.spyOn(nodeEnvironment, 'setTimeout').mockImplementation((run, delayMs) => {
    if (delayMs !== ms) return setTimeout(run, delayMs)
    const handle = {}
    due.set(handle, run)
    return handle
  })
  vi.spyOn(nodeEnvironment, 'clearTimeout').mockImplementation(handle => {
    if (!due.delete(handle)) clearTimeout(handle)
  })
  return {
    waiting: () => due.size,
    /** The time of all that wait is over. */
    fire() {
      for (const [handle, run] of [...due]) {
        due.delete(handle)
        run()
      }
    },
  }
}

const start = async (options: ServerOptions = {}) => {
  const timers = holdTimers(HANDLER_MS)
  const begun: unknown[] = []
  const ends: ((answer?: unknown) => void)[] = []
  const clients: ServerClient[] = []
  const server = await startServer({
    handlerTimeoutMs: HANDLER_MS,
    onMessage({ data, type }, client) {
      begun.push(data)
      clients.push(client)
      return type === 'hang' ? new Promise(resolve => ends.push(resolve)) : undefined
    },
    ...options,
  })
  const timeOut = async (): Promise<void> => {
    await expect.poll(timers.waiting).toBe(1)
    timers.fire()
  }
  return { server, begun, ends, clients, timers, timeOut }
}

const greet = async (server: RunningServer, gen = 1, tok?: string) => {
  const peer = await connect(server.url)
  peer.send({ type: 'hello', data: { sid: SID, gen, tok, channels: {} } })
  const welcome = (await peer.next('welcome')).data as { tok: string; ack: number }
  return { peer, welcome }
}

const post = async (server: RunningServer, body: Record<string, unknown>) => {
  const response = await fetch(`${server.http}/api/market/snapshot`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sid: SID, ...body }),
  })
  return { status: response.status, body: await response.json() }
}

const ackOf = (peer: Peer): number =>
  Math.max(0, ...peer.all('ack').map(({ data }) => Number(data['seq'])))

const hang = (seq: number) => ({ type: 'hang', id: `m${seq}`, seq, data: seq })
const order = (seq: number) => ({ type: 'order', id: `m${seq}`, seq, data: seq })

describe('a handler that never ends', () => {
  test('by WebSocket: nack TIMEOUT, its place is used up, and the session goes on', async () => {
    const { server, begun, timeOut } = await start()
    const { peer } = await greet(server)
    peer.send([hang(1), order(2)])
    await timeOut()
    expect(await peer.next('nack')).toMatchObject({
      replyTo: 'm1',
      data: { seq: 1, code: 'TIMEOUT', message: expect.stringMatching(/7777 ms/) },
    })
    await expect.poll(() => ackOf(peer)).toBe(2)
    expect(begun).toEqual([1, 2])
  })

  test('the client that comes back is welcomed, told so, and the message sent again is not applied', async () => {
    const { server, begun, timeOut } = await start()
    const first = await greet(server)
    first.peer.send(hang(1))
    await expect.poll(() => begun).toEqual([1])
    const second = await connect(server.url)
    const { tok } = first.welcome
    second.send({ type: 'hello', data: { sid: SID, gen: 2, tok, channels: {} } })
    await timeOut()
    expect((await second.next('welcome')).data).toMatchObject({
      tok,
      ack: 1,
      refused: [{ seq: 1, code: 'TIMEOUT' }],
    })
    second.send([hang(1), order(2)])
    await expect.poll(() => ackOf(second)).toBe(2)
    expect(begun).toEqual([1, 2])
  })

  test('by POST: its refusal comes with the answer, what is behind it waits for the next POST', async () => {
    const { server, begun, timeOut } = await start()
    const { tok } = (await post(server, { gen: 1 })).body
    const body = { gen: 1, tok, messages: [order(1), hang(2), order(3)] }
    const answer = post(server, body)
    await timeOut()
    expect((await answer).body).toMatchObject({
      ack: 2,
      refused: [{ seq: 2, code: 'TIMEOUT' }],
    })
    expect((await post(server, body)).body).toMatchObject({ ack: 3, refused: [{ seq: 2 }] })
    expect(begun).toEqual([1, 2, 3])
  })

  test('a POST of many slow messages gives up its turn once it has taken the time of one handler', async () => {
    let now = 0
    vi.spyOn(nodeEnvironment, 'monotonicNow').mockImplementation(() => now)
    const begun: unknown[] = []
    const { server } = await start({
      onMessage({ data }) {
        begun.push(data)
        now += HANDLER_MS / 2
      },
    })
    const { tok } = (await post(server, { gen: 1 })).body
    const body = { gen: 1, tok, messages: [order(1), order(2), order(3)] }
    expect((await post(server, body)).body).toMatchObject({ ack: 2, refused: [] })
    expect((await post(server, body)).body).toMatchObject({ ack: 3 })
    expect(begun).toEqual([1, 2, 3])
  })

  test('of the POSTs that wait behind it eight are kept, and the rest is told to wait', async () => {
    const { server, begun, timeOut } = await start({ rateLimit: false })
    const { tok } = (await post(server, { gen: 1 })).body
    const first = post(server, { gen: 1, tok, messages: [hang(1)] })
    await expect.poll(() => begun).toEqual([1])
    const others = Array.from({ length: 10 }, () =>
      post(server, { gen: 1, tok, messages: [order(2)] }),
    )
    const statuses: number[] = []
    for (const other of others) other.then(({ status }) => statuses.push(status))
    await expect.poll(() => statuses).toEqual([429, 429, 429])
    await timeOut()
    await first
    await Promise.all(others)
    expect(statuses.filter(status => status === 200)).toHaveLength(7)
    expect(begun).toEqual([1, 2])
  })

  test('outside a session: an error TIMEOUT, and the next message is handled', async () => {
    const { server, begun, timeOut } = await start()
    const peer = await connect(server.url)
    peer.send({ type: 'hang', id: 'stuck', data: 1 })
    peer.send({ type: 'order', data: 2 })
    await timeOut()
    expect((await peer.next('error')).data).toMatchObject({ code: 'TIMEOUT', id: 'stuck' })
    await expect.poll(() => begun).toEqual([1, 2])
  })

  test('what it answers after its time is dropped', async () => {
    const { server, ends, timeOut } = await start()
    const { peer } = await greet(server)
    peer.send(hang(1))
    await timeOut()
    await peer.next('nack')
    ends[0]?.({ type: 'late', data: 'too late' })
    peer.send(order(2))
    await expect.poll(() => ackOf(peer)).toBe(2)
    expect(peer.all('late')).toEqual([])
  })

  test('what it sends after its time does not come with the answer of a POST', async () => {
    const { server, clients, timeOut } = await start()
    const { tok } = (await post(server, { gen: 1 })).body
    const first = post(server, { gen: 1, tok, messages: [hang(1)] })
    await timeOut()
    await first
    const second = post(server, { gen: 1, tok, messages: [hang(2)] })
    await expect.poll(() => clients.length).toBe(2)
    clients[0]?.send({ type: 'late', data: 'too late' })
    clients[1]?.send({ type: 'in time' })
    await timeOut()
    expect((await second).body.messages).toMatchObject([{ type: 'in time' }])
  })

  test('the time of one that ends is not waited for', async () => {
    const { server, timers } = await start()
    const { peer } = await greet(server)
    peer.send([order(1), order(2)])
    await expect.poll(() => ackOf(peer)).toBe(2)
    expect(timers.waiting()).toBe(0)
  })

  test('a server that is closed waits for it no more', async () => {
    const { server, begun, timers } = await start()
    const { peer } = await greet(server)
    peer.send(hang(1))
    await expect.poll(() => begun).toEqual([1])
    await server.close()
    expect(timers.waiting()).toBe(0)
  })
})

describe('an authorize that never ends', () => {
  const never = (): Promise<boolean> => new Promise(() => {})

  test('for a message: nack TIMEOUT, and the handler does not begin when it answers after all', async () => {
    const answers: ((may: boolean) => void)[] = []
    const { server, begun, timeOut } = await start({
      authorize: (_user, action) =>
        action === 'subscribe' || new Promise(resolve => answers.push(resolve)),
    })
    const { peer } = await greet(server)
    peer.send(order(1))
    await timeOut()
    expect((await peer.next('nack')).data).toMatchObject({ seq: 1, code: 'TIMEOUT' })
    answers[0]?.(true)
    await new Promise(setImmediate)
    expect(begun).toEqual([])
  })

  test.each([
    ['hello', { type: 'hello', data: { sid: SID, gen: 1, channels: { A: null } } }],
    ['subscribe', { type: 'subscribe', data: { channels: ['A'] } }],
  ])('for a %s: the client is sent away with 1013 and may come again', async (_, message) => {
    const { server, timeOut } = await start({ authorize: never })
    const peer = await connect(server.url)
    peer.send(message)
    await timeOut()
    expect(await peer.closed).toMatchObject({ code: 1013 })
  })

  test('for a GET: it is answered 503', async () => {
    const { server, timeOut } = await start({ authorize: never })
    const answer = fetch(`${server.http}/api/market/snapshot?symbols=A,B`)
    await timeOut()
    expect((await answer).status).toBe(503)
  })

  test('however many channels are asked for, they have one time together', async () => {
    let calls = 0
    const { server, timeOut } = await start({
      authorize: () => ++calls < 3 || never(),
    })
    const peer = await connect(server.url)
    peer.send({ type: 'subscribe', data: { channels: ['A', 'B', 'C', 'D', 'E'] } })
    await timeOut()
    expect(await peer.closed).toMatchObject({ code: 1013 })
    expect(calls).toBe(3)
  })
})

test('a refresh that authenticate never answers sends the client away with 1013', async () => {
  const timers = holdTimers(AUTH_MS)
  const server = await startServer({
    authTimeoutMs: AUTH_MS,
    authenticate: ({ token }) => (token === 'first' ? { user: 'ann' } : new Promise(() => {})),
  })
  const peer = await connect(server.url)
  peer.send({ type: 'auth', data: { token: 'first' } })
  await peer.next('authenticated')
  peer.send({ type: 'auth', data: { token: 'second' } })
  await expect.poll(timers.waiting).toBe(1)
  timers.fire()
  expect(await peer.closed).toMatchObject({ code: 1013 })
})
