import { createConnection as tcp } from 'node:net'
import { describe, expect, test } from 'vitest'
import { connect, startServer } from './support.ts'

const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)

/** Frames that a hostile or broken client sends, and the error that it is told. */
const FRAMES: readonly [name: string, frame: string | Buffer, code: string | undefined][] = [
  ['no JSON', 'hello', 'BAD_MESSAGE'],
  ['nothing', '', 'BAD_MESSAGE'],
  ['half a message', '{"type":"echo"', 'BAD_MESSAGE'],
  ['binary', Buffer.from([0, 1, 2]), 'BAD_MESSAGE'],
  ['JSON as binary', Buffer.from('{"type":"echo"}'), 'BAD_MESSAGE'],
  ['a number', '1', 'BAD_MESSAGE'],
  ['null', 'null', 'BAD_MESSAGE'],
  ['a string', '"echo"', 'BAD_MESSAGE'],
  ['true', 'true', 'BAD_MESSAGE'],
  ['an array of nothing', '[]', undefined],
  ['an array of null', '[null]', 'BAD_MESSAGE'],
  ['arrays in an array', '[[{"type":"echo"}]]', 'BAD_MESSAGE'],
  ['ten thousand levels', deep(10_000), 'BAD_MESSAGE'],
  ['a ping of 33 levels', `{"type":"ping","data":{"a":${deep(31)}}}`, 'BAD_MESSAGE'],
  ['a ping of 5,000 levels', `{"type":"ping","data":${deep(5000)}}`, 'BAD_MESSAGE'],
  ['an echo of 30,000 levels', `{"type":"echo","data":${deep(30_000)}}`, 'BAD_MESSAGE'],
  ['a message of 32 levels', `{"type":"order","data":${deep(31)}}`, undefined],
  ['more than a thousand messages', `[${Array(1001).fill('{}').join()}]`, 'BAD_MESSAGE'],
  ['no type', '{"data":1}', 'BAD_MESSAGE'],
  ['a type that is a number', '{"type":1}', 'BAD_MESSAGE'],
  ['a type that is an object', '{"type":{"toString":1}}', 'BAD_MESSAGE'],
  ['an empty type', '{"type":""}', 'BAD_MESSAGE'],
  ['a long type', JSON.stringify({ type: 'x'.repeat(65) }), 'BAD_MESSAGE'],
  ['an id that is a number', '{"type":"order","id":1}', 'BAD_MESSAGE'],
  ['an id that is an object', '{"type":"order","id":{}}', 'BAD_MESSAGE'],
  ['an empty id', '{"type":"order","id":""}', 'BAD_MESSAGE'],
  ['a long id', JSON.stringify({ type: 'order', id: 'x'.repeat(65) }), 'BAD_MESSAGE'],
  ['subscribe without data', '{"type":"subscribe"}', 'BAD_MESSAGE'],
  ['subscribe to a string', '{"type":"subscribe","data":"A"}', 'BAD_MESSAGE'],
  ['subscribe to a number', '{"type":"subscribe","data":{"channels":[1]}}', 'UNKNOWN_CHANNEL'],
  ['subscribe to an object', '{"type":"subscribe","data":{"channels":[{}]}}', 'UNKNOWN_CHANNEL'],
  ['a channel with a blank', '{"type":"subscribe","data":{"channels":["A B"]}}', 'UNKNOWN_CHANNEL'],
  [
    'a channel with a line break',
    '{"type":"subscribe","data":{"channels":["A\\nB"]}}',
    'UNKNOWN_CHANNEL',
  ],
  ['an empty channel', '{"type":"subscribe","data":{"channels":[""]}}', 'UNKNOWN_CHANNEL'],
  [
    'a long channel',
    JSON.stringify({ type: 'subscribe', data: { channels: ['x'.repeat(129)] } }),
    'UNKNOWN_CHANNEL',
  ],
  ['unsubscribe from nothing', '{"type":"unsubscribe"}', 'BAD_MESSAGE'],
  ['auth without a token', '{"type":"auth"}', 'BAD_MESSAGE'],
  ['auth with an object', '{"type":"auth","data":{"token":{}}}', 'BAD_MESSAGE'],
  ["a server's own type", '{"type":"connection","data":{}}', undefined],
  ['pong out of nothing', '{"type":"pong","data":{"timestamp":1e400}}', undefined],
  ['a type of the prototype chain', '{"type":"constructor"}', undefined],
  ['__proto__ as a field', '{"type":"order","__proto__":{"admin":true}}', undefined],
]

describe('a hostile frame', () => {
  test.each(FRAMES)(
    '%s: its sender is told, and link and server live on',
    async (_, frame, code) => {
      const handled: unknown[] = []
      const { url } = await startServer({
        rateLimit: false,
        onMessage: message => void handled.push(message),
      })
      const peer = await connect(url)
      peer.socket.send(frame, { binary: Buffer.isBuffer(frame) })
      await peer.settled()
      expect(peer.all('error').map(({ data }) => data['code'])).toEqual(code ? [code] : [])
      if (code) {
        expect(handled).toEqual([])
        expect((await peer.next('error')).data['message']).toMatch(/\S/)
      }
      expect(({} as { admin?: boolean }).admin).toBeUndefined()
      expect(peer.socket.readyState).toBe(peer.socket.OPEN)
    },
  )

  test('what is in it is not echoed in the error', async () => {
    const { url } = await startServer()
    const peer = await connect(url)
    peer.send('<script>alert(1)</script>')
    expect(JSON.stringify(await peer.next('error'))).not.toContain('script')
  })

  test('one that is too large closes with 1009, and only that link', async () => {
    const { url } = await startServer()
    const [large, other] = [await connect(url), await connect(url)]
    large.send({ type: 'echo', data: 'x'.repeat(70_000) })
    expect(await large.closed).toMatchObject({ code: 1009 })
    await other.settled()
  })

  test('before authentication even 8 KiB are too large', async () => {
    const { url } = await startServer({ authenticate: () => ({ user: 'ann' }) })
    const peer = await connect(url)
    peer.send({ type: 'auth', data: { token: 'x'.repeat(9000) } })
    expect(await peer.closed).toMatchObject({ code: 1009 })
  })

  test('small fragments without end are not collected', async () => {
    const { url } = await startServer()
    const peer = await connect(url)
    for (let count = 0; count < 2000; count++) peer.socket.send('x', { fin: false })
    expect((await peer.closed).code).not.toBe(1000)
  })

  test('no more than a thousand channels are listened to', async () => {
    const { url } = await startServer()
    const peer = await connect(url)
    const names = Array.from({ length: 1001 }, (_, index) => `C${index}`)
    peer.send({ type: 'subscribe', data: { channels: names } })
    const { channels } = (await peer.next('subscribed')).data
    expect(Object.keys(channels as object)).toHaveLength(1000)
    expect(peer.all('error').map(({ data }) => data['code'])).toEqual(['FORBIDDEN'])
  })

  test('a channel that is listened to already is none of the thousand once more', async () => {
    const { url } = await startServer()
    const peer = await connect(url)
    const names = Array.from({ length: 600 }, (_, index) => `C${index}`)
    peer.send({ type: 'subscribe', data: { channels: names } })
    peer.send({ type: 'subscribe', id: 'again', data: { channels: [...names, 'new'] } })
    await peer.settled()
    expect(peer.all('error')).toEqual([])
    const { channels } = peer.all('subscribed')[1]?.data ?? {}
    expect(Object.keys(channels as object)).toHaveLength(601)
  })

  test('messages that pile up behind a slow handler are refused, not collected', async () => {
    const { url } = await startServer({ rateLimit: false, onMessage: () => new Promise(() => {}) })
    const peer = await connect(url)
    for (let count = 0; count < 12; count++) {
      peer.send(Array.from({ length: 100 }, () => ({ type: 'order' })))
    }
    expect((await peer.next('error')).data).toMatchObject({ code: 'RATE_LIMITED' })
  })
})

describe('a hostile handshake', () => {
  const HANDSHAKES: readonly [name: string, text: string][] = [
    ['no HTTP at all', 'hello\r\n\r\n'],
    [
      'no version',
      'GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    ],
    [
      'a bad key',
      'GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n',
    ],
    [
      'bad extensions',
      'GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: ;;==,\r\n\r\n',
    ],
    [
      'POST',
      'POST /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 0\r\n\r\n',
    ],
    [
      'another protocol',
      'GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n',
    ],
    ['headers without end', `GET /ws HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`],
    [
      'a broken query',
      'GET /api/market/snapshot?symbols=%,%E0%A4 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    ],
  ]

  test.each(HANDSHAKES)('%s: it is answered or ended, and the server lives on', async (_, text) => {
    const { port, url } = await startServer()
    const socket = tcp(port, '127.0.0.1')
    socket.on('error', () => {})
    const ended = new Promise(resolve => socket.on('close', resolve).resume())
    socket.end(text)
    await ended
    await (await connect(url)).settled()
  })

  test('a peer that resets during the upgrade does not end the process', async () => {
    const { port, url } = await startServer({
      authenticate: async () => {
        await new Promise(setImmediate)
        return { user: 'ann' }
      },
    })
    for (let count = 0; count < 20; count++) {
      const socket = tcp(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.write(
        'GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer x\r\n\r\n',
        () => socket.resetAndDestroy(),
      )
      await new Promise(resolve => socket.on('close', resolve))
    }
    await (await connect(url, { headers: { authorization: 'Bearer x' } })).settled()
  })
})
