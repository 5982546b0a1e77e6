import { expect, test } from 'vitest'
import { createMemorySessions } from '../../src/server/broker/memory-sessions.ts'
import { MemoryBroker } from '../../src/server/index.ts'
import { connect, type RunningServer, startServer } from './support.ts'

const contact = { tok: undefined, gen: 1, ttlMs: 1000 }

test('beyond the limit those go first who never came back, then those that were silent longest', async () => {
  const sessions = createMemorySessions(() => 0, 3)
  const toks = new Map<string, string>()
  const meet = async (key: string): Promise<void> => {
    const record = await sessions.contact(key, { ...contact, tok: toks.get(key) })
    toks.set(key, record?.tok ?? '')
  }
  const isThere = async (key: string): Promise<boolean> =>
    (await sessions.begin(key, toks.get(key) ?? '', 99)) !== undefined
  for (const key of ['known', 'known', 'other', 'other', 'a', 'b', 'c']) await meet(key)
  expect(await Promise.all(['known', 'other', 'a', 'b', 'c'].map(isThere))).toEqual([
    true,
    true,
    false,
    false,
    true,
  ])
  for (const key of ['known', 'third', 'third', 'fourth', 'fourth']) await meet(key)
  expect(await Promise.all(['known', 'other', 'third', 'fourth'].map(isThere))).toEqual([
    true,
    false,
    true,
    true,
  ])
})

test('one that a connection pins never goes, however many there are', async () => {
  const sessions = createMemorySessions(() => 0, 2)
  const record = await sessions.contact('held', contact)
  const release = sessions.pin?.('held', record?.tok ?? '')
  const second = sessions.pin?.('held', record?.tok ?? '')
  const others = async (prefix: string): Promise<void> => {
    for (let index = 0; index < 10; index++) await sessions.contact(`${prefix}${index}`, contact)
  }
  await others('a')
  expect(await sessions.begin('held', record?.tok ?? '', 99)).toBeDefined()
  release?.()
  release?.()
  await others('b')
  expect(await sessions.begin('held', record?.tok ?? '', 99)).toBeDefined()
  second?.()
  await others('c')
  expect(await sessions.begin('held', record?.tok ?? '', 99)).toBeUndefined()
})

const post = (server: RunningServer, body: unknown): Promise<Response> =>
  fetch(`${server.http}/api/market/snapshot`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

test('of one session, too, one that a connection pins never goes', async () => {
  const sessions = createMemorySessions(() => 0)
  const record = await sessions.contact('shown', contact)
  const release = sessions.pin?.('shown', record?.tok ?? '')
  const invent = async (): Promise<void> => {
    for (let index = 0; index < 20; index++) {
      const { tok } = (await sessions.contact('shown', contact)) ?? {}
      await sessions.contact('shown', { ...contact, tok })
    }
  }
  await invent()
  expect(await sessions.begin('shown', record?.tok ?? '', 99)).toBeDefined()
  release?.()
  await invent()
  expect(await sessions.begin('shown', record?.tok ?? '', 99)).toBeUndefined()
})

test('incarnations that have ended make room for others', async () => {
  let now = 0
  const sessions = createMemorySessions(() => now, 1000)
  const first = await sessions.contact('shown', { ...contact, ttlMs: 5000 })
  for (let index = 0; index < 7; index++) await sessions.contact('shown', contact)
  now = 2000
  for (let index = 0; index < 7; index++) await sessions.contact('shown', contact)
  expect(await sessions.begin('shown', first?.tok ?? '', 99)).toBeDefined()
})

test('any number of invented contacts takes no session from who is connected', async () => {
  const applied: unknown[] = []
  const broker = new MemoryBroker()
  Object.assign(broker, { sessions: createMemorySessions(Date.now, 20) })
  const server = await startServer({
    broker,
    rateLimit: false,
    onMessage: ({ data }) => void applied.push(data),
  })
  const peer = await connect(server.url)
  peer.send({ type: 'hello', data: { sid: 'the-session-that-stays', gen: 1, channels: {} } })
  const { tok } = (await peer.next('welcome')).data
  for (let index = 0; index < 30; index++) {
    await (await post(server, { sid: `an-invented-session-${index}`, gen: 1 })).text()
  }
  peer.send({ type: 'order', seq: 1, data: 'still here' })
  await peer.next('ack')
  expect(applied).toEqual(['still here'])
  expect(tok).toEqual(expect.any(String))
})

test('one address makes no more contacts by POST than the rate allows, and goes on with those it has', async () => {
  const server = await startServer({ rateLimit: { limit: 1, perMs: 3_600_000 } })
  const toks: string[] = []
  const answers: number[] = []
  for (let index = 0; index < 3; index++) {
    const response = await post(server, { sid: `contact-of-one-address-${index}`, gen: 1 })
    answers.push(response.status)
    if (response.status === 200) toks.push((await response.json()).tok)
    else expect(response.headers.get('retry-after')).toBe('1')
  }
  expect(answers).toEqual([200, 429, 429])
  const body = { sid: 'contact-of-one-address-0', tok: toks[0], gen: 1 }
  expect((await post(server, { ...body, messages: [{ type: 'echo', seq: 1 }] })).status).toBe(200)
})
