import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttpServer, type Server } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { createFaultProxy, type FaultProxy } from './fault-proxy.ts'

let http: Server
let sockets: WebSocketServer
let proxy: FaultProxy
let direct: string
/** What the server got, over whatever connection. */
let received: string[]
const clients: WebSocket[] = []

const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port

beforeEach(async () => {
  received = []
  http = createHttpServer((_, response) => response.end('plain'))
  sockets = new WebSocketServer({ server: http })
  sockets.on('connection', socket => {
    socket.on('error', () => {})
    socket.on('message', data => {
      received.push(String(data))
      socket.send(`echo ${data}`)
    })
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  direct = `ws://127.0.0.1:${portOf(http)}`
  proxy = await createFaultProxy({ target: { host: '127.0.0.1', port: portOf(http) } })
})

afterEach(async () => {
  for (const client of clients.splice(0)) client.terminate()
  await proxy.close()
  for (const socket of sockets.clients) socket.terminate()
  await new Promise(done => http.close(done))
})

const dial = (url = proxy.url()): WebSocket => {
  const client = new WebSocket(url)
  client.on('error', () => {})
  clients.push(client)
  return client
}

const open = async (url?: string): Promise<WebSocket> => {
  const client = dial(url)
  await once(client, 'open')
  return client
}

/** A client through the proxy, and the server's end of it. */
const pair = async (): Promise<{ client: WebSocket; server: WebSocket }> => {
  const taken = once(sockets, 'connection')
  const client = await open()
  return { client, server: (await taken)[0] }
}

/** The next `count` messages that a client gets. */
const next = (client: WebSocket, count = 1): Promise<string[]> =>
  new Promise(resolve => {
    const got: string[] = []
    const take = (data: unknown): void => {
      if (got.push(String(data)) < count) return
      client.off('message', take)
      resolve(got)
    }
    client.on('message', take)
  })

const ask = async (client: WebSocket, text: string): Promise<string | undefined> => {
  client.send(text)
  return (await next(client))[0]
}

/** Round trips beside the proxy: whatever was going to pass it had its turn meanwhile. */
const letItTry = async (): Promise<void> => {
  const aside = await open(direct)
  for (let turn = 0; turn < 5; turn++) await ask(aside, 'aside')
  aside.terminate()
  received = received.filter(text => text !== 'aside')
}

describe('without a fault', () => {
  it('carries messages both ways and counts connections', async () => {
    const first = await open()
    expect(await ask(first, 'one')).toBe('echo one')
    const second = await open()
    expect(proxy).toMatchObject({ connections: 2, accepted: 2 })
    const left = once(second, 'close')
    second.close()
    await left
    expect(proxy).toMatchObject({ connections: 1, accepted: 2 })
  })

  it('carries a megabyte unchanged', async () => {
    const client = await open()
    const big = 'x0123456789abcdef'.repeat(65_536)
    expect(await ask(client, big)).toBe(`echo ${big}`)
  })

  it('carries the end of one direction while the other goes on', async () => {
    const late = createTcpServer({ allowHalfOpen: true }, socket => {
      socket.resume()
      socket.once('end', () => socket.end('after your end'))
    }).listen(0, '127.0.0.1')
    await once(late, 'listening')
    const between = await createFaultProxy({ target: { host: '127.0.0.1', port: portOf(late) } })
    const client = connect({ port: between.port, host: '127.0.0.1', allowHalfOpen: true })
    client.end('question')
    const [answer] = await once(client, 'data')
    expect(String(answer)).toBe('after your end')
    await between.close()
    late.close()
  })

  it('resets a client when the target refuses', async () => {
    const nowhere = createTcpServer().listen(0, '127.0.0.1')
    await once(nowhere, 'listening')
    const port = portOf(nowhere)
    await new Promise(done => nowhere.close(done))
    const between = await createFaultProxy({ target: { host: '127.0.0.1', port } })
    const client = dial(between.url())
    const [error] = await once(client, 'error')
    expect(error.code).toBe('ECONNRESET')
    await between.close()
  })
})

describe('an end without a goodbye', () => {
  it.each(['cut', 'fin', 'rst'] as const)('%s ends both sides with 1006', async fault => {
    const { client, server } = await pair()
    const both = Promise.all([once(client, 'close'), once(server, 'close')])
    expect(proxy[fault]()).toBe(1)
    const [[clientCode], [serverCode]] = await both
    expect([clientCode, serverCode]).toEqual([1006, 1006])
    await vi.waitFor(() => expect(proxy.connections).toBe(0))
  })

  it('fin is a FIN: a TCP client reads an end and no error', async () => {
    const client = connect(proxy.port, '127.0.0.1')
    await once(sockets.options.server as Server, 'connection')
    const ended = once(client, 'end')
    client.resume()
    proxy.fin()
    await ended
    const [hadError] = await once(client, 'close')
    expect(hadError).toBe(false)
  })

  it('rst is a RST: a TCP client reads ECONNRESET', async () => {
    const client = connect(proxy.port, '127.0.0.1')
    await once(sockets.options.server as Server, 'connection')
    const failed = once(client, 'error')
    client.resume()
    proxy.rst()
    expect((await failed)[0].code).toBe('ECONNRESET')
  })

  it('new connections go through at once', async () => {
    await open()
    proxy.cut()
    expect(await ask(await open(), 'again')).toBe('echo again')
  })
})

describe('a black hole', () => {
  it('lets nothing through, closes nothing, and delivers late and in order when healed', async () => {
    const { client, server } = await pair()
    proxy.blackhole()
    const toClient: string[] = []
    client.on('message', data => toClient.push(String(data)))
    for (const text of ['a', 'b', 'c']) client.send(text)
    server.send('from the server')
    await letItTry()
    expect(received).toEqual([])
    expect(toClient).toEqual([])
    expect([client.readyState, server.readyState]).toEqual([WebSocket.OPEN, WebSocket.OPEN])

    const late = next(client, 4)
    proxy.heal()
    expect(await late).toEqual(['from the server', 'echo a', 'echo b', 'echo c'])
  })

  it.each([
    ['up', { up: true }, [], ['down']],
    ['down', { down: true }, ['up'], []],
  ] as const)('one way only: %s', async (_, ways, arrivedUp, arrivedDown) => {
    const { client, server } = await pair()
    server.removeAllListeners('message')
    const up: string[] = []
    const down: string[] = []
    server.on('message', data => up.push(String(data)))
    client.on('message', data => down.push(String(data)))
    proxy.blackhole(ways)
    client.send('up')
    server.send('down')
    await (arrivedUp.length ? once(server, 'message') : once(client, 'message'))
    await letItTry()
    expect(up).toEqual(arrivedUp)
    expect(down).toEqual(arrivedDown)
  })

  it('hides that an end has gone, until healed', async () => {
    const { client, server } = await pair()
    let told = false
    const heard = once(server, 'close').then(() => {
      told = true
    })
    proxy.blackhole()
    client.terminate()
    await letItTry()
    expect(told).toBe(false)
    proxy.heal()
    await heard
  })

  it('takes new connections and leads them nowhere, until healed', async () => {
    proxy.blackhole()
    const client = dial()
    const opened = once(client, 'open')
    await letItTry()
    expect(client.readyState).toBe(WebSocket.CONNECTING)
    expect(proxy.accepted).toBe(1)
    proxy.heal()
    await opened
  })

  it('that swallows loses what was sent, and resets those connections when healed', async () => {
    const { client, server } = await pair()
    proxy.blackhole({ swallow: true })
    client.send('lost')
    await letItTry()
    expect([client.readyState, server.readyState]).toEqual([WebSocket.OPEN, WebSocket.OPEN])
    const both = Promise.all([once(client, 'close'), once(server, 'close')])
    proxy.heal()
    expect((await both).map(([code]) => code)).toEqual([1006, 1006])
    expect(received).toEqual([])
    expect(await ask(await open(), 'new')).toBe('echo new')
  })

  it('that swallowed nothing of a connection leaves it alone', async () => {
    const client = await open()
    proxy.blackhole({ swallow: true })
    await letItTry()
    proxy.heal()
    expect(await ask(client, 'still here')).toBe('echo still here')
  })

  it('does not stop a cut', async () => {
    const { client, server } = await pair()
    proxy.blackhole()
    const both = Promise.all([once(client, 'close'), once(server, 'close')])
    proxy.cut()
    await both
  })
})

describe('a slow link', () => {
  it('delay holds bytes back, and heal lets them go in order', async () => {
    const client = await open()
    proxy.delay(3_600_000, { up: true })
    const answers = next(client, 3)
    for (const text of ['1', '2', '3']) client.send(text)
    await letItTry()
    expect(received).toEqual([])
    proxy.heal()
    expect(await answers).toEqual(['echo 1', 'echo 2', 'echo 3'])
  })

  it('delay ends by itself for each byte, and keeps their order when it gets shorter', async () => {
    const client = await open()
    const answers = next(client, 3)
    proxy.delay(100)
    client.send('1')
    client.send('2')
    await letItTry()
    proxy.delay(10)
    client.send('3')
    expect(await answers).toEqual(['echo 1', 'echo 2', 'echo 3'])
  })

  it('throttle lets others overtake and changes no byte', async () => {
    const client = await open()
    const aside = await open(direct)
    const big = 'abcdefgh'.repeat(2048)
    proxy.throttle(100_000)
    const answers = next(client, 2)
    client.send(big)
    client.send('last')
    await ask(aside, 'aside')
    expect(await answers).toEqual([`echo ${big}`, 'echo last'])
    expect(received).toEqual(['aside', big, 'last'])
  })

  it('heal lets go at once what throttle held', async () => {
    const client = await open()
    proxy.throttle(1)
    const answer = next(client)
    client.send('held')
    await letItTry()
    expect(received).toEqual([])
    proxy.heal()
    expect(await answer).toEqual(['echo held'])
  })

  it('holds a sender back that outruns it, and still loses nothing', async () => {
    const { client, server } = await pair()
    server.removeAllListeners('message')
    let bytes = 0
    const whole = new Promise<void>(resolve => {
      server.on('message', (data: Buffer) => {
        bytes += data.length
        if (bytes === 8 * 1_048_576) resolve()
      })
    })
    proxy.delay(50)
    for (let part = 0; part < 8; part++) client.send(Buffer.alloc(1_048_576, part))
    await whole
  })
})

describe('a server that does not take connections', () => {
  it('refuse refuses new ones, leaves open ones alone, and resume listens on the same port', async () => {
    const old = await open()
    await proxy.refuse()
    const [error] = await once(dial(), 'error')
    expect(error.code).toBe('ECONNREFUSED')
    expect(await ask(old, 'old')).toBe('echo old')
    await proxy.resume()
    expect(await ask(await open(), 'new')).toBe('echo new')
  })

  it('hang accepts and never answers', async () => {
    proxy.hang()
    const client = dial()
    const aside = connect(proxy.port, '127.0.0.1')
    await once(aside, 'connect')
    await letItTry()
    expect(client.readyState).toBe(WebSocket.CONNECTING)
    expect(proxy.accepted).toBe(2)
    aside.end()
    await once(aside, 'close')
    await proxy.resume()
    expect(await ask(await open(), 'new')).toBe('echo new')
  })

  it('rejectUpgrade answers upgrades with a status; other HTTP and what is open goes through', async () => {
    const old = await open()
    proxy.rejectUpgrade(503)
    const [, response] = await once(dial(), 'unexpected-response')
    expect(response.statusCode).toBe(503)
    const plain = await fetch(`http://127.0.0.1:${proxy.port}/`, {
      headers: { connection: 'close' },
    })
    expect(await plain.text()).toBe('plain')
    expect(await ask(old, 'old')).toBe('echo old')
    await proxy.resume()
    expect(await ask(await open(), 'new')).toBe('echo new')
  })
})

describe('close', () => {
  it('may be called twice, and resume does not bring it back', async () => {
    await open()
    await proxy.close()
    await proxy.close()
    await proxy.resume()
    const [error] = await once(dial(), 'error')
    expect(error.code).toBe('ECONNREFUSED')
  })

  it('leaves nothing that keeps a process alive, whatever was going on', async () => {
    const module = new URL('../../scripts/demo/fault-proxy.mjs', import.meta.url).href
    const script = `
      import { once } from 'node:events'
      import { connect, createServer } from 'node:net'
      import { createFaultProxy } from ${JSON.stringify(module)}
      const echo = createServer(socket => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1')
      await once(echo, 'listening')
      const proxy = await createFaultProxy({ target: { host: '127.0.0.1', port: echo.address().port } })
      const dial = async () => {
        const socket = connect(proxy.port, '127.0.0.1').on('error', () => {})
        await once(socket, 'connect')
        socket.write('hello')
        return socket
      }
      const first = await dial()
      await once(first, 'data')
      proxy.delay(3600000)
      first.write('delayed for an hour')
      await dial()
      proxy.hang()
      await dial()
      proxy.blackhole()
      await proxy.resume()
      await dial()
      await proxy.close()
      echo.close()
      console.log('closed')
    `
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    child.stdout.on('data', text => {
      said += text
    })
    const [code] = await once(child, 'exit')
    expect({ code, said }).toEqual({ code: 0, said: 'closed\n' })
  })
})
