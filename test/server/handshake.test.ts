import { once } from 'node:events'
import { createServer as createHttpServer, request as httpRequest } from 'node:http'
import { type AddressInfo, connect as tcp } from 'node:net'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createServer, type ServerLogger, type ServerOptions } from '../../src/server/index.ts'
import { connect, onEnd, startServer } from './support.ts'

/** A logger that keeps its lines. */
const recorder = () => {
  const lines: string[] = []
  const keep =
    (level: string) =>
    (...words: unknown[]): void =>
      void lines.push(`${level} ${words.join(' ')}`)
  const logger: ServerLogger = {
    debug: keep('debug'),
    info: keep('info'),
    warn: keep('warn'),
    error: keep('error'),
  }
  return { lines, logger }
}

interface Answer {
  readonly status: number | undefined
  readonly text: string
}

/** A request with exactly these headers; of an upgrade, how it is refused. */
const ask = (url: string, headers: Record<string, string>, method = 'GET'): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers })
    request.on('error', reject)
    request.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve({ status: response.statusCode, text: '' })
    })
    request.on('response', async response => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve({ status: response.statusCode, text })
    })
    request.end()
  })

const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

describe('a refused origin is told what would allow it', () => {
  const refusal = async (origin: string | undefined, how: 'upgrade' | 'POST') => {
    const { lines, logger } = recorder()
    const { http } = await startServer({ logger, allowMissingOrigin: false })
    const named = origin === undefined ? {} : { origin }
    const answer =
      how === 'upgrade'
        ? await ask(`${http}/ws`, { ...UPGRADE, ...named })
        : await ask(`${http}/api/market/snapshot`, named, 'POST')
    return { ...answer, line: lines.find(each => each.includes('Blocked')) ?? '' }
  }

  test.each(['upgrade', 'POST'] as const)('%s: a page', async how => {
    const { status, text, line } = await refusal('http://localhost:5173', how)
    expect(status).toBe(403)
    expect(line).toMatch(
      /^warn Blocked connection from unauthorized origin: http:\/\/localhost:5173\. .*--origin http:\/\/localhost:5173\b/,
    )
    expect(line).toContain('ALLOWED_ORIGINS')
    expect(line).toContain('allowedOrigins')
    expect(text).toContain('--origin http://localhost:5173')
    expect(text).toContain('allowedOrigins')
  })

  test.each(['upgrade', 'POST'] as const)('%s: a program without an Origin', async how => {
    const { status, text, line } = await refusal(undefined, how)
    expect(status).toBe(403)
    expect(line).toMatch(
      /^warn Blocked connection from unauthorized origin: none\. .*--allow-missing-origin/,
    )
    expect(line).toContain('ALLOW_MISSING_ORIGIN=1')
    expect(text).toContain('--allow-missing-origin')
    expect(text).toContain('allowMissingOrigin: true')
  })

  test.each([
    'null',
    'http://$(reboot)',
    'http://a;reboot',
    'http://`reboot`',
    'plain.test',
    `http://${'x'.repeat(300)}.test`,
  ])('%s: nothing is offered for a shell that is no plain origin', async origin => {
    const { status, text, line } = await refusal(origin, 'upgrade')
    expect(status).toBe(403)
    expect(line).toMatch(/^warn Blocked connection from unauthorized origin: /)
    expect(line + text).not.toContain('--origin')
    expect(text).not.toContain(origin)
    expect(text).toMatch(/\S/)
  })
})

describe('the subprotocol that is selected', () => {
  test('is the first offered one that the server declares; a secret is never sent back', async () => {
    const { url } = await startServer({ protocols: ['chat', 'rws.v1'] })
    const socket = new WebSocket(url, ['auth.SECRET', 'rws.v1', 'chat'])
    await once(socket, 'open')
    expect(socket.protocol).toBe('rws.v1')
    socket.terminate()
  })

  test('is rws.v1 where nothing is declared', async () => {
    const { url } = await startServer()
    const socket = new WebSocket(url, ['rws.v1', 'auth.SECRET'])
    await once(socket, 'open')
    expect(socket.protocol).toBe('rws.v1')
    socket.terminate()
  })

  test('is none where the server declares none of them, and the log says why that fails', async () => {
    const { lines, logger } = recorder()
    const { port } = await startServer({ logger })
    const socket = tcp(port, '127.0.0.1')
    onEnd(() => socket.destroy())
    const head = Object.entries({ host: 'localhost', ...UPGRADE }).map(pair => pair.join(': '))
    socket.write(
      `GET /ws HTTP/1.1\r\n${head.join('\r\n')}\r\nSec-WebSocket-Protocol: auth.SECRET, chat\r\n\r\n`,
    )
    let heard = ''
    socket.on('data', data => {
      heard += data
    })
    await expect.poll(() => heard).toContain('\r\n\r\n')
    expect(heard).toMatch(/^HTTP\/1.1 101 /)
    expect(heard).not.toMatch(/sec-websocket-protocol|SECRET/i)
    expect(lines.join()).toMatch(/warn .*protocols/)
    expect(lines.join()).not.toContain('SECRET')
  })

  test('a client that offers none is not asked for one', async () => {
    const { lines, logger } = recorder()
    const { url } = await startServer({ logger })
    expect((await connect(url)).socket.protocol).toBe('')
    expect(lines.join()).not.toContain('warn')
  })

  test.each([['chat room'], [''], 'chat', [7], ['(']])(
    '%j: names that are none are a mistake',
    given => {
      expect(() => createServer({ protocols: given as string[] })).toThrow(TypeError)
      expect(() => createServer({ protocols: given as string[] })).toThrow(/^protocols: expected /)
    },
  )
})

describe('a request without an Origin to a server on loopback', () => {
  const ORIGIN = 'https://app.example.com'
  const get = async (host: string, path: string, options: ServerOptions = {}, headers = {}) => {
    const { lines, logger } = recorder()
    const { http } = await startServer({ logger, allowedOrigins: [ORIGIN], ...options })
    return { ...(await ask(http + path, { host, ...headers })), lines }
  }

  test.each(['/api/market/snapshot', '/metrics'])(
    'is refused with words where its Host is foreign, since a page may have had its name rebound: %s',
    async path => {
      const { status, text, lines } = await get('evil.test:3001', path)
      expect(status).toBe(403)
      expect(text).toMatch(/Host.*allowedOrigins/)
      expect(text).not.toContain('evil')
      expect(lines.join()).toMatch(/warn .*evil\.test/)
    },
  )

  test.each([
    'localhost',
    'LocalHost:3001',
    'localhost.:3001',
    'app.localhost:3001',
    '127.0.0.1',
    '127.1.2.3:80',
    '[::1]:3001',
    'app.example.com',
    'app.example.com:8080',
  ])('is answered where its Host is %s', async host => {
    expect((await get(host, '/api/market/snapshot')).status).toBe(200)
  })

  test.each(['localhost.evil.test', '127.0.0.1.evil.test', 'evil.test#localhost', '[::2]', 'a b'])(
    'is refused where its Host is %s',
    async host => {
      expect((await get(host, '/api/market/snapshot')).status).toBe(403)
    },
  )

  test('is answered where an allowed page asks, whatever the Host', async () => {
    const { status } = await get('evil.test', '/api/market/snapshot', {}, { origin: ORIGIN })
    expect(status).toBe(200)
  })

  test('is answered to a supervisor', async () => {
    expect((await get('any.test', '/healthz')).status).toBe(200)
    expect((await get('any.test', '/readyz')).status).toBe(200)
  })

  test('is answered behind a proxy, which passes on the public name', async () => {
    expect((await get('any.test', '/api/market/snapshot', { trustProxy: 1 })).status).toBe(200)
  })

  test('is answered on any other address, whose names nobody can know', async () => {
    expect((await get('any.test', '/api/market/snapshot', { host: '0.0.0.0' })).status).toBe(200)
  })

  test('is refused on a server of the application, too', async () => {
    const mine = createHttpServer()
    const server = createServer({ server: mine })
    onEnd(() => mine.close())
    onEnd(() => server.close())
    mine.listen(0, 'localhost')
    await once(mine, 'listening')
    await server.listen()
    const url = `http://localhost:${(mine.address() as AddressInfo).port}/api/market/snapshot`
    expect((await ask(url, { host: 'evil.test' })).status).toBe(403)
    expect((await ask(url, {})).status).toBe(200)
  })
})

test('a POST that its client aborts is no error', async () => {
  const { lines, logger } = recorder()
  const errors: unknown[] = []
  const { port, on, url } = await startServer({ logger })
  on('error', error => errors.push(error))
  const socket = tcp(port, '127.0.0.1')
  socket.write(
    'POST /api/market/snapshot HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{',
    () => setImmediate(() => socket.resetAndDestroy()),
  )
  await expect.poll(() => lines.join()).toMatch(/abort/)
  await (await connect(url)).settled()
  expect(lines.filter(line => !/^(debug|info)/.test(line))).toEqual([])
  expect(errors).toEqual([])
})
