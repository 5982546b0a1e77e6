import { describe, expect, test } from 'vitest'
import { createServer, type ServerClient } from '../../src/server/index.ts'
import { connect, refused, startServer } from './support.ts'

const forwarded = (header: string): { headers: Record<string, string> } => ({
  headers: { 'x-forwarded-for': header },
})

describe('the address of a client', () => {
  test.each([
    ['no proxy is trusted: the header counts for nothing', 0, '203.0.113.7', '127.0.0.1'],
    ['one proxy: what it appended', 1, '203.0.113.7', '203.0.113.7'],
    [
      'one proxy: what the client wrote before it counts for nothing',
      1,
      '6.6.6.6, 203.0.113.7',
      '203.0.113.7',
    ],
    ['two proxies: the entry before the last', 2, '6.6.6.6, 203.0.113.7, 10.0.0.2', '203.0.113.7'],
    ['fewer entries than proxies: the first', 3, '203.0.113.7,10.0.0.2', '203.0.113.7'],
    ['an IPv6 address', 1, '2001:db8::7', '2001:db8::7'],
    ['with a port, as some proxies write it', 1, '203.0.113.7:4711', '203.0.113.7'],
    ['IPv6 in brackets, with a port', 1, '[2001:DB8::7]:4711', '2001:db8::7'],
    ['IPv6 in brackets', 1, '[2001:db8::7]', '2001:db8::7'],
    ['what is no address is ignored', 1, '203.0.113.7, unknown', '203.0.113.7'],
    ['no address at all: that of the connection', 1, 'unknown, _hidden, ,', '127.0.0.1'],
    ['an empty header: that of the connection', 1, '', '127.0.0.1'],
  ])('%s', async (_, trustProxy, header, address) => {
    const server = await startServer({ trustProxy })
    const seen = new Promise<ServerClient>(resolve => server.on('connection', resolve))
    await connect(server.url, forwarded(header))
    expect((await seen).address).toBe(address)
  })

  test('several headers are one list', async () => {
    const server = await startServer({ trustProxy: 2 })
    const seen = new Promise<ServerClient>(resolve => server.on('connection', resolve))
    const list = ['6.6.6.6', '203.0.113.7', '10.0.0.2']
    await connect(server.url, { headers: { 'x-forwarded-for': list as never } })
    expect((await seen).address).toBe('203.0.113.7')
  })

  test('by POST it is the same', async () => {
    let address = ''
    const { http } = await startServer({
      trustProxy: 1,
      onMessage: (_, client) => {
        address = client.address
      },
    })
    const post = async (body: object): Promise<{ tok: string }> => {
      const response = await fetch(`${http}/api/market/snapshot`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': '203.0.113.7' },
        body: JSON.stringify({ sid: 'A'.repeat(22), gen: 1, ...body }),
      })
      return (await response.json()) as { tok: string }
    }
    const { tok } = await post({})
    await post({ tok, messages: [{ type: 'order', seq: 1 }] })
    expect(address).toBe('203.0.113.7')
  })
})

test('behind a proxy each client has a limit of its own', async () => {
  const { url } = await startServer({ trustProxy: 1, maxConnectionsPerAddress: 1 })
  await connect(url, forwarded('203.0.113.7'))
  await connect(url, forwarded('203.0.113.8'))
  expect((await refused(url, forwarded('6.6.6.6, 203.0.113.7'))).status).toBe(429)
})

test('behind a proxy each client has a rate of its own for new senders by POST', async () => {
  const { http } = await startServer({ trustProxy: 1, rateLimit: { limit: 1, perMs: 60_000 } })
  const contact = async (sid: string, address: string): Promise<number> => {
    const response = await fetch(`${http}/api/market/snapshot`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
      body: JSON.stringify({ sid: sid.repeat(22), gen: 1 }),
    })
    return response.status
  }
  expect(await contact('A', '203.0.113.7')).toBe(200)
  expect(await contact('B', '203.0.113.7')).toBe(429)
  expect(await contact('C', '203.0.113.8')).toBe(200)
})

test.each([
  [-1, RangeError, 'trustProxy: expected a number from 0'],
  [1.5, RangeError, 'trustProxy: expected a whole number of proxies, got 1.5'],
  [true, TypeError, 'trustProxy: expected a number from 0'],
])('trustProxy: %s is a mistake that is named', (given, kind, words) => {
  expect(() => createServer({ trustProxy: given as number })).toThrow(kind)
  expect(() => createServer({ trustProxy: given as number })).toThrow(words)
})
