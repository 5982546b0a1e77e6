import { once } from 'node:events'
import { createServer as createHttpServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { createServer, type ResilientServer, type ServerOptions } from '../../src/server/index.ts'
import { connect, refused } from './support.ts'

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
