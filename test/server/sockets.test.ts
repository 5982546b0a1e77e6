import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, type Socket, connect as tcp } from 'node:net'
import { afterAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createServer, type ServerOptions } from '../../src/server/index.ts'
import { connect, onEnd, refused, startServer } from './support.ts'

const HANDSHAKE =
  'GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'

const POST =
  'POST /api/market/snapshot HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://localhost:3000\r\nContent-Type: application/json\r\n'

const never = (): Promise<never> => new Promise(() => {})

/** The servers' ends of all connections, by the port of their client. */
const accepted = new Map<number | undefined, Socket>()
const onAccept = (message: unknown): void => {
  const { socket } = message as { socket: Socket }
  accepted.set(socket.remotePort, socket)
}
subscribe('net.server.socket', onAccept)
afterAll(() => unsubscribe('net.server.socket', onAccept))

/** A client that never closes its side, whatever the server closes. */
const stubborn = (port: number, text: string) => {
  const socket = tcp({ port, host: '127.0.0.1', allowHalfOpen: true })
  let heard = ''
  socket.on('error', () => {})
  socket.on('data', data => {
    heard += data
  })
  onEnd(() => socket.destroy())
  if (text) socket.write(text)
  return {
    socket,
    /** Resolves with what it was told when the server has let go of the connection altogether. */
    async released(): Promise<string> {
      await expect.poll(() => accepted.get(socket.localPort)?.destroyed).toBe(true)
      if (!socket.isPaused())
        await expect.poll(() => socket.readableEnded || socket.closed).toBe(true)
      return heard
    },
  }
}

/** The HTTP status that an upgrade is answered with. */
const statusOf = (url: string): Promise<number | undefined> =>
  new Promise(resolve => {
    const socket = new WebSocket(url)
    socket.on('error', () => {})
    socket.on('upgrade', response => {
      resolve(response.statusCode)
      socket.terminate()
    })
    socket.on('unexpected-response', (request, response) => {
      resolve(response.statusCode)
      request.destroy()
    })
  })

/** A server of the application, with ours on it. */
const joined = async (options: ServerOptions = {}) => {
  const mine = createHttpServer()
  const server = createServer({ server: mine, allowMissingOrigin: true, ...options })
  mine.listen(0, '127.0.0.1')
  await once(mine, 'listening')
  await server.listen()
  onEnd(async () => {
    await server.close()
    mine.closeAllConnections()
    mine.close()
  })
  return { mine, server, port: (mine.address() as AddressInfo).port }
}

describe('a socket whose client ignores that the server closed is destroyed', () => {
  test.each([
    ['after silence', '', ''],
    ['after half a head', 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n', '408'],
    ['after half a body', `${POST}Content-Length: 10\r\n\r\n{`, '408'],
    [
      'after half a body that nobody reads',
      'POST /x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n{',
      '404',
    ],
    ['after something that is no HTTP', 'hello\r\n\r\n', '400'],
    ['after a head that is too large', `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, '431'],
    ['after a refused upgrade', `${HANDSHAKE}Origin: http://evil.test\r\n\r\n`, '403'],
    ['after an upgrade of an unknown path', `${HANDSHAKE.replace('/ws', '/nope')}\r\n`, '404'],
    ['after an upgrade with a bad key', `${HANDSHAKE.replace('dGhl', '')}\r\n`, '400'],
  ])('%s', async (_, text, status) => {
    const { port } = await startServer({ requestTimeoutMs: 60 })
    const client = stubborn(port, text)
    expect((await client.released()).slice(9, 12)).toMatch(status)
  })

  test('after a WebSocket that did not authenticate', async () => {
    const { port } = await startServer({ authTimeoutMs: 30, authenticate: never })
    const peer = await connect(`ws://127.0.0.1:${port}/ws`)
    peer.send({ type: 'auth', data: { token: 'any' } })
    expect(await peer.closed).toMatchObject({ code: 4408 })
  })
})

test('a refresh of the token that is never answered ends the connection', async () => {
  let asked = 0
  const { url } = await startServer({
    authTimeoutMs: 200,
    authenticate: () => (asked++ ? never() : { user: 'ann' }),
  })
  const peer = await connect(url)
  peer.send({ type: 'auth', data: { token: 'any' } })
  await peer.next('authenticated')
  peer.send({ type: 'auth', data: { token: 'another' } })
  expect(await peer.closed).toMatchObject({ code: 1013 })
})

test('a body without end is not read for ever on a server of the application', async () => {
  const { port } = await joined({ requestTimeoutMs: 60 })
  await stubborn(port, `${POST}Content-Length: 10\r\n\r\n{`).released()
})

describe.each(['alone', 'on a server of the application'])('%s', place => {
  const start = async (options: ServerOptions) => {
    if (place === 'alone') {
      const server = await startServer(options)
      return { server, port: server.port }
    }
    return joined(options)
  }
  const headers = { authorization: 'Bearer any' }

  test('an answer that nobody reads ends its socket', async () => {
    const { server, port } = await start({ answerTimeoutMs: 200 })
    for (let count = 0; count < 30; count++) {
      await server.publish('A', { type: 'large', data: 'x'.repeat(200_000) })
    }
    const { epoch } = await server.publish('A', { type: 'large', data: '' })
    const query = `symbols=A&since=A:${epoch}:0`
    const text = `GET /api/market/snapshot?${query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`
    const client = stubborn(port, text)
    client.socket.pause()
    await client.released()
  })

  test('an upgrade whose token is never answered is refused after authTimeoutMs', async () => {
    const { port } = await start({ authTimeoutMs: 30, authenticate: never })
    const answer = await refused(`ws://127.0.0.1:${port}/ws`, { headers })
    expect(answer.status).toBe(503)
    expect(answer.headers['retry-after']).toBe('5')
  })

  test('and its socket is destroyed, also where the client ignores that', async () => {
    const { port } = await start({ authTimeoutMs: 30, authenticate: never })
    const text = `${HANDSHAKE}Authorization: Bearer any\r\n\r\n`
    expect(await stubborn(port, text).released()).toMatch(/^HTTP\/1.1 503 /)
  })

  test.each(['GET', 'POST'])('a %s whose token is never answered gets 503', async method => {
    const { port } = await start({ authTimeoutMs: 30, authenticate: never })
    const answer = await fetch(`http://127.0.0.1:${port}/api/market/snapshot`, { method, headers })
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('5')
  })

  test.each([
    ['maxConnections', 503],
    ['maxConnectionsPerAddress', 429],
  ])('upgrades that wait for authenticate count for %s', async (limit, status) => {
    const waiting: ((identity: { user: string }) => void)[] = []
    const { server, port } = await start({
      [limit]: 2,
      authenticate: () => new Promise(resolve => waiting.push(resolve)),
    })
    const url = `ws://127.0.0.1:${port}/ws`
    const peers = [connect(url, { headers }), connect(url, { headers })]
    await expect.poll(() => waiting.length).toBe(2)
    expect((await refused(url, { headers })).status).toBe(status)
    expect(server.connections()).toBe(0)
    for (const resolve of waiting) resolve({ user: 'ann' })
    await Promise.all(peers)
    expect((await refused(url, { headers })).status).toBe(status)
    for (const peer of peers) (await peer).socket.terminate()
    await expect.poll(() => server.connections()).toBe(0)
    const next = connect(url, { headers })
    await expect.poll(() => waiting.length).toBe(3)
    waiting[2]?.({ user: 'ann' })
    await (await next).next('authenticated')
  })

  test('a waiting upgrade whose client goes away is counted no more', async () => {
    const { port } = await start({ maxConnections: 1, authTimeoutMs: 60_000, authenticate: never })
    const url = `ws://127.0.0.1:${port}/ws`
    const waiting = stubborn(port, `${HANDSHAKE}Authorization: Bearer any\r\n\r\n`)
    await expect.poll(() => statusOf(url)).toBe(503)
    waiting.socket.resetAndDestroy()
    await expect.poll(() => statusOf(url)).toBe(101)
  })

  test('close() ends while something waits for authenticate, and every socket of ours is gone', async () => {
    let asked = 0
    const { server, port } = await start({
      authTimeoutMs: 60_000,
      authenticate: () => {
        asked++
        return never()
      },
    })
    const head = 'Host: 127.0.0.1\r\nAuthorization: Bearer any\r\n'
    const clients = [
      stubborn(port, `${HANDSHAKE}Authorization: Bearer any\r\n\r\n`),
      stubborn(port, `GET /api/market/snapshot HTTP/1.1\r\n${head}\r\n`),
      stubborn(port, `${POST}Authorization: Bearer any\r\nContent-Length: 2\r\n\r\n{}`),
    ]
    await expect.poll(() => asked).toBe(3)
    await server.close()
    await Promise.all(clients.map(client => client.released()))
  })
})

test('a client that resets while its upgrade is refused does not end the process', async () => {
  const { port, url } = await startServer()
  for (let count = 0; count < 20; count++) {
    const socket = tcp(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(`${HANDSHAKE.replace('/ws', '/nope')}\r\n`, () => socket.resetAndDestroy())
    await once(socket, 'close')
  }
  await (await connect(url)).settled()
})

test('close() leaves no socket and no timer behind', async () => {
  const server = createServer({
    port: 0,
    host: '127.0.0.1',
    allowMissingOrigin: true,
    authTimeoutMs: 60_000,
    authenticate: never,
  })
  const { port } = await server.listen()
  const before = process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
  const clients = [
    '',
    'GET / HTTP/1.1\r\n',
    `${POST}Content-Length: 10\r\n\r\n{`,
    `${HANDSHAKE}\r\n`,
    `${HANDSHAKE}Authorization: Bearer any\r\n\r\n`,
    `${HANDSHAKE}Origin: http://evil.test\r\n\r\n`,
  ].map(text => stubborn(port, text))
  await expect.poll(() => server.connections()).toBe(1)
  await server.close()
  for (const { socket } of clients) expect(accepted.get(socket.localPort)?.destroyed).toBe(true)
  const timers = () => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
  await expect.poll(timers).toBeLessThanOrEqual(before)
})
