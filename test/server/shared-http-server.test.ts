import { once } from 'node:events'
import { createServer as createHttpServer, request as httpRequest, type Server } from 'node:http'
import { type AddressInfo, connect as tcp } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { createServer, type ResilientServer, type ServerOptions } from '../../src/server/index.ts'
import { connect, refused, startServer } from './support.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** A server of the application, and ours on it. */
const join = (
  options: ServerOptions = {},
  mine: Server = createHttpServer(),
): { mine: Server; server: ResilientServer } => {
  const server = createServer({ server: mine, allowMissingOrigin: true, ...options })
  ends.push(async () => {
    await server.close()
    mine.closeAllConnections()
    mine.close()
  })
  return { mine, server }
}

const listen = async (mine: Server): Promise<string> => {
  mine.listen(0, '127.0.0.1')
  await once(mine, 'listening')
  return `127.0.0.1:${(mine.address() as AddressInfo).port}`
}

test('handlers that are attached later answer what is theirs, and only that', async () => {
  const { mine, server } = join()
  mine.on('request', (_, response) => response.writeHead(200).end('mine'))
  const host = await listen(mine)
  await server.listen()
  const read = async (path: string) => (await fetch(`http://${host}${path}`)).text()
  expect(await read('/page')).toBe('mine')
  expect(await read('/healthz')).toBe('{"status":"ok"}')
  expect(await read('/api/market/snapshot')).toContain('"protocol":1')
})

test('where nobody else answers, another path is 404', async () => {
  const { mine } = join()
  const host = await listen(mine)
  expect((await fetch(`http://${host}/page`)).status).toBe(404)
})

test('an upgrade of an unknown path is 404, unless somebody else may know it', async () => {
  const { mine } = join()
  const host = await listen(mine)
  expect((await refused(`ws://${host}/nope`)).status).toBe(404)
  const others = new WebSocketServer({ noServer: true })
  const paths: unknown[] = []
  mine.on('upgrade', (request, socket, head) => {
    paths.push(request.url)
    others.handleUpgrade(request, socket, head, webSocket => webSocket.send('{"type":"theirs"}'))
  })
  await (await connect(`ws://${host}/nope`)).next('theirs')
  await (await connect(`ws://${host}/ws`)).next('connection')
  expect(paths).toEqual(['/nope'])
})

test('after close its paths are the others’ again', async () => {
  const { mine, server } = join()
  mine.on('request', (_, response) => response.writeHead(200).end('mine'))
  const host = await listen(mine)
  await server.listen()
  await server.close()
  expect(await (await fetch(`http://${host}/healthz`)).text()).toBe('mine')
  expect(mine.listenerCount('upgrade') + mine.listenerCount('error')).toBe(0)
})

test('two of them share one server', async () => {
  const { mine } = join()
  join({ path: '/other', snapshotPath: '/poll' }, mine)
  const host = await listen(mine)
  await (await connect(`ws://${host}/ws`)).next('connection')
  await (await connect(`ws://${host}/other`)).next('connection')
  expect((await refused(`ws://${host}/nope`)).status).toBe(404)
  expect((await fetch(`http://${host}/api/market/snapshot`)).status).toBe(200)
  expect((await fetch(`http://${host}/poll`)).status).toBe(200)
})

test('listen() makes it listen where a port is given, and waits for you where none is', async () => {
  const given = join({ port: 0, host: '127.0.0.1' })
  const { port, url } = await given.server.listen()
  expect(port).toBeGreaterThan(0)
  await connect(url)
  const { mine, server } = join()
  let listening = false
  const waits = server.listen().then(() => {
    listening = true
  })
  await new Promise(setImmediate)
  expect(listening).toBe(false)
  await listen(mine)
  await waits
})

describe('a request that only offers another upgrade is answered as a request', () => {
  /** As Java's HttpClient and `curl --http2` send it. */
  const H2C = {
    connection: 'Upgrade, HTTP2-Settings',
    upgrade: 'h2c',
    'http2-settings': 'AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA',
  }
  const ask = (
    url: string,
    { body, ...options }: { method?: string; body?: string; headers?: Record<string, string> } = {},
  ): Promise<{ status: number | undefined; text: string }> =>
    new Promise((resolve, reject) => {
      const request = httpRequest(url, { ...options, headers: { ...H2C, ...options.headers } })
      request.on('error', reject)
      request.on('response', async response => {
        let text = ''
        for await (const chunk of response) text += chunk
        resolve({ status: response.statusCode, text })
      })
      request.end(body)
    })
  const hello = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sid: 'A'.repeat(22), gen: 1 }),
  }

  test('alone', async () => {
    const { http } = await startServer()
    expect((await ask(`${http}/healthz`)).status).toBe(200)
    expect((await ask(`${http}/api/market/snapshot`)).text).toContain('"protocol":1')
    expect((await ask(`${http}/nope`)).status).toBe(404)
    expect((await ask(`${http}/ws`)).status).toBe(404)
  })

  test('with a body, of known length or in chunks', async () => {
    const { http } = await startServer()
    const length = { 'content-length': `${hello.body.length}` }
    for (const headers of [hello.headers, { ...hello.headers, ...length }]) {
      const { status, text } = await ask(`${http}/api/market/snapshot`, { ...hello, headers })
      expect([status, JSON.parse(text).ack]).toEqual([200, 0])
    }
  })

  test('on routes of the application', async () => {
    const { mine } = join()
    mine.on('request', async (request, response) => {
      let text = ''
      for await (const chunk of request) text += chunk
      response.end(`${request.method} ${request.url} ${request.headers.upgrade} ${text}`)
    })
    const host = await listen(mine)
    expect((await ask(`http://${host}/page?a=1`)).text).toBe('GET /page?a=1 undefined ')
    const { text } = await ask(`http://${host}/form`, { method: 'POST', body: 'a=1' })
    expect(text).toBe('POST /form undefined a=1')
    expect((await ask(`http://${host}/healthz`)).text).toBe('{"status":"ok"}')
  })

  test('where two of them share one server', async () => {
    const { mine } = join()
    join({ path: '/other', snapshotPath: '/poll' }, mine)
    const host = await listen(mine)
    for (const path of ['/api/market/snapshot', '/poll']) {
      expect((await ask(`http://${host}${path}`)).status).toBe(200)
    }
  })

  test('an application that takes upgrades itself keeps those of its own routes', async () => {
    const { mine } = join()
    const offered: unknown[] = []
    mine.on('upgrade', (request, socket) => {
      offered.push([request.url, request.headers.upgrade])
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
    })
    const host = await listen(mine)
    expect((await ask(`http://${host}/page`)).status).toBe(400)
    expect((await ask(`http://${host}/api/market/snapshot`)).status).toBe(200)
    expect(offered).toEqual([['/page', 'h2c']])
  })

  test('what follows on the connection is read as ever, a WebSocket too', async () => {
    const { port } = await startServer()
    const socket = tcp(port, '127.0.0.1')
    let heard = ''
    socket.on('data', data => {
      heard += data
    })
    ends.push(() => socket.destroy())
    const head = 'HTTP/1.1\r\nHost: 127.0.0.1\r\n'
    const h2c =
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEA\r\n\r\n'
    socket.write(`GET /healthz ${head}${h2c}`)
    await expect.poll(() => heard).toContain('{"status":"ok"}')
    socket.write(`GET /readyz ${head}${h2c}GET /nope ${head}\r\n`)
    await expect.poll(() => heard).toContain('Not found')
    expect(heard).toContain('{"status":"ready"}')
    socket.write(
      `GET /ws ${head}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    )
    await expect.poll(() => heard).toContain('101 Switching Protocols')
  })
})
