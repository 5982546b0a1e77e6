import { describe, expect, test } from 'vitest'
import { type Broker, MemoryBroker } from '../../src/server/index.ts'
import { connect, startServer } from './support.ts'

describe('what is published is what it was then', () => {
  const publishThree = async (broker: Pick<Broker, 'publish'>): Promise<string> => {
    const quote = { price: 0 }
    let epoch = ''
    for (quote.price = 1; quote.price <= 3; quote.price++)
      ({ epoch } = await broker.publish('A', { type: 'tick', data: quote }))
    return epoch
  }

  test('in history, whatever becomes of the object', async () => {
    const broker = new MemoryBroker()
    await publishThree(broker)
    const { messages } = await broker.history('A')
    expect(messages.map(({ message }) => message.data)).toEqual([
      { price: 1 },
      { price: 2 },
      { price: 3 },
    ])
  })

  test('in a poll as over a WebSocket', async () => {
    const server = await startServer()
    const epoch = await publishThree(server)
    const url = `${server.http}/api/market/snapshot?symbols=A&since=A:${epoch}:0`
    const { messages } = await (await fetch(url)).json()
    expect(messages).toMatchObject([1, 2, 3].map(price => ({ data: { price } })))
    const peer = await connect(server.url)
    const channels = { A: { epoch, offset: 0 } }
    peer.send({ type: 'hello', data: { sid: 'a-session-of-this-test', gen: 1, channels } })
    await expect.poll(() => peer.all('tick').length).toBe(3)
    expect(peer.all('tick')).toEqual(messages)
  })
})

test('a publication that fails uses no offset up', async () => {
  const broker = new MemoryBroker()
  const { epoch } = await broker.publish('A', { type: 'tick' })
  await expect(broker.publish('A', { type: 'tick', data: 10n })).rejects.toThrow(TypeError)
  expect(await broker.publish('A', { type: 'tick' })).toEqual({ epoch, offset: 2 })
  expect((await broker.history('A')).messages.map(({ offset }) => offset)).toEqual([1, 2])
})

test.each([
  ['no type', 'A', { data: 1 }, /type: expected a string of 1 to 64 characters, got undefined/],
  ['a long type', 'A', { type: 'x'.repeat(65) }, /type: expected a string of 1 to 64 characters/],
  ['nothing', 'A', undefined, /publication: expected \{ type, data \}, got undefined/],
  ['a channel with a blank', 'A B', { type: 'x' }, /channel: expected 1 to 128 .*, got 'A B'/],
  ['no channel', undefined, { type: 'x' }, /channel: expected 1 to 128 .*, got undefined/],
])('%s is not published, and says why', async (_, channel, publication, words) => {
  const server = await startServer()
  const publish = server.publish(channel as string, publication as { type: string })
  await expect(publish).rejects.toThrow(TypeError)
  await expect(publish).rejects.toThrow(words)
  expect(await (await fetch(`${server.http}/api/market/snapshot`)).json()).toMatchObject({
    count: 0,
    channels: {},
  })
})

test('a server that is closed publishes nothing, so that no broker connects once more', async () => {
  const broker = new MemoryBroker()
  const server = await startServer({ broker })
  await server.close()
  await expect(server.publish('A', { type: 'tick' })).rejects.toThrow(
    'publish: this server is closed: create another one',
  )
  expect((await broker.history('A')).offset).toBe(0)
})
