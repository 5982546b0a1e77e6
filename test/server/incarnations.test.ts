import { afterEach, describe, expect, test, vi } from 'vitest'
import { nodeEnvironment } from '../../src/server/environment.ts'
import type { ServerOptions } from '../../src/server/index.ts'
import { connect, type Peer, type RunningServer, startServer } from './support.ts'

const SID = 'a-sid-that-the-application-shows'
const HUGE = Number.MAX_SAFE_INTEGER

afterEach(() => void vi.restoreAllMocks())

const greet = async (url: string, data: Record<string, unknown>) => {
  const peer = await connect(url)
  peer.send({ type: 'hello', data: { sid: SID, channels: {}, ...data } })
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

const order = (seq: number, data: unknown = seq) => ({ type: 'order', seq, data })

const ackOf = (peer: Peer): number =>
  Math.max(0, ...peer.all('ack').map(({ data }) => Number(data['seq'])))

const start = async (options: ServerOptions = {}) => {
  const applied: unknown[] = []
  const server = await startServer({
    onMessage: ({ data }) => void applied.push(data),
    ...options,
  })
  return { server, applied }
}

describe('a contact that knows only the sid', () => {
  test.each([
    ['without a tok', undefined],
    ['with a wrong tok', 'wrong'],
  ])('%s and with a huge gen: it closes nobody, and the owner goes on', async (_, tok) => {
    const { server, applied } = await start()
    const owner = await greet(server.url, { gen: 1 })
    owner.peer.send(order(1))
    await expect.poll(() => ackOf(owner.peer)).toBe(1)

    const thief = await greet(server.url, { gen: HUGE, tok })
    expect(thief.welcome.tok).not.toBe(owner.welcome.tok)
    expect(thief.welcome.ack).toBe(0)
    const posted = await post(server, { gen: HUGE, tok, messages: [order(2, 'stolen')] })
    expect(posted).toMatchObject({ status: 200, body: { ack: 0 } })
    expect(posted.body.tok).not.toBe(owner.welcome.tok)

    owner.peer.send(order(2))
    await expect.poll(() => ackOf(owner.peer)).toBe(2)
    const back = await greet(server.url, { gen: 2, tok: owner.welcome.tok })
    expect(back.welcome).toMatchObject({ tok: owner.welcome.tok, ack: 2 })
    expect(await owner.peer.closed).toMatchObject({ code: 4409 })
    expect(thief.peer.socket.readyState).toBe(thief.peer.socket.OPEN)
    expect(applied).toEqual([1, 2])
  })

  test('it locks an owner that polls out of nothing', async () => {
    const { server, applied } = await start()
    const { tok } = (await post(server, { gen: 1 })).body
    expect((await post(server, { gen: 1, tok, messages: [order(1)] })).body.ack).toBe(1)
    for (let gen = 1; gen <= 20; gen++) await post(server, { gen: HUGE - gen })
    const next = await post(server, { gen: 2, tok, messages: [order(2)] })
    expect(next).toMatchObject({ status: 200, body: { tok, ack: 2 } })
    expect(applied).toEqual([1, 2])
  })

  test('it does not wait for what the owner has under way, nor the owner for what it has', async () => {
    const releases: (() => void)[] = []
    const { server } = await start({
      onMessage: () => new Promise<void>(resolve => releases.push(resolve)),
    })
    const owner = await greet(server.url, { gen: 1 })
    const thief = await greet(server.url, { gen: 2 })
    thief.peer.send(order(1))
    await expect.poll(() => releases.length).toBe(1)
    owner.peer.send(order(1))
    await expect.poll(() => releases.length).toBe(2)
    releases[1]?.()
    await expect.poll(() => ackOf(owner.peer)).toBe(1)
    expect((await greet(server.url, { gen: 3 })).welcome.ack).toBe(0)
    releases[0]?.()
    await expect.poll(() => ackOf(thief.peer)).toBe(1)
  })

  test('it uses up nothing of the rate of an owner that posts', async () => {
    vi.spyOn(nodeEnvironment, 'monotonicNow').mockReturnValue(0)
    const { server } = await start({ rateLimit: { limit: 3, perMs: 1000 } })
    const { tok } = (await post(server, { gen: 1 })).body
    expect((await post(server, { gen: 1, tok, messages: [order(1)] })).body.ack).toBe(1)
    // The rate of the address is used up from here on.
    await post(server, { gen: 1, tok: 'wrong' })
    await post(server, { gen: 1, tok: 'wrong' })
    expect((await post(server, { gen: 1, tok: 'wrong' })).status).toBe(429)
    expect(await post(server, { gen: 1, tok, messages: [order(2)] })).toMatchObject({
      status: 200,
      body: { ack: 2 },
    })
  })

  test('an incarnation that a connection holds is not pushed out', async () => {
    const { server, applied } = await start({ rateLimit: false })
    const owner = await greet(server.url, { gen: 1 })
    for (let index = 0; index < 30; index++) {
      const { tok } = (await post(server, { gen: HUGE })).body
      await post(server, { gen: HUGE, tok })
    }
    owner.peer.send(order(1))
    await expect.poll(() => ackOf(owner.peer)).toBe(1)
    expect(applied).toEqual([1])
  })
})
