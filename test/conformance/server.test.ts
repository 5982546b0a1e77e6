/** Plays the client's part of every vector to our server, over real sockets, and checks what it says. */
import { once } from 'node:events'
import { createVirtualClock, type VirtualClock } from 'resilient-websocket/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { nodeEnvironment } from '../../src/server/environment.ts'
import { createServer, MemoryBroker, type ResilientServer } from '../../src/server/index.ts'
import {
  createValues,
  type Fields,
  type Request,
  type ServerSetup,
  type Step,
  type Values,
  type Vector,
  vectorsFor,
  verbOf,
} from './vectors.ts'

/** Delays that only join what is due at the same moment; for these no time has to pass. */
const AT_ONCE_MS = 10

/** The server lives by a clock of the test; sockets are real. */
const useClock = (clock: VirtualClock): void => {
  const soon = new WeakSet<object>()
  vi.spyOn(nodeEnvironment, 'now').mockImplementation(clock.now)
  vi.spyOn(nodeEnvironment, 'monotonicNow').mockImplementation(clock.monotonicNow)
  vi.spyOn(nodeEnvironment, 'setTimeout').mockImplementation((run, delayMs) => {
    if (delayMs > AT_ONCE_MS) return clock.setTimeout(run, delayMs)
    const handle = setImmediate(run)
    soon.add(handle)
    return handle
  })
  vi.spyOn(nodeEnvironment, 'clearTimeout').mockImplementation(handle => {
    if (soon.has(handle as object)) clearImmediate(handle as NodeJS.Immediate)
    else clock.clearTimeout(handle)
  })
}

/** One connection as the vector's client. */
interface Peer {
  readonly socket: WebSocket
  /** What was heard and not yet expected, but for acks. */
  readonly heard: Fields[]
  ack: number
  readonly closed: Promise<number>
  /** Resolves with the next thing that happens. */
  more(): Promise<unknown>
}

const connect = async (url: string): Promise<Peer> => {
  const socket = new WebSocket(url, { autoPong: false })
  let wake = (): void => {}
  let happened = Promise.resolve()
  const renew = (): void => {
    happened = new Promise(resolve => {
      wake = resolve
    })
  }
  renew()
  const tell = (): void => {
    wake()
    renew()
  }
  const peer: Peer = {
    socket,
    heard: [],
    ack: 0,
    closed: new Promise(resolve =>
      socket.on('close', code => {
        resolve(code)
        tell()
      }),
    ),
    more: () => happened,
  }
  socket.on('error', () => {})
  socket.on('message', data => {
    for (const message of [JSON.parse(String(data))].flat()) {
      if (message.type === 'ack') peer.ack = Math.max(peer.ack, message.data.seq)
      // A client would have taken it for applied.
      else if (message.type === 'nack' && message.data.seq <= peer.ack)
        peer.heard.push({ ...message, type: 'a nack after its ack' })
      else peer.heard.push(message)
    }
    tell()
  })
  await once(socket, 'open')
  return peer
}

/** Whatever was sent so far has been handled and answered. */
const settled = async ({ socket }: Peer, clock: VirtualClock): Promise<void> => {
  for (let round = 0; round < 2 && socket.readyState === socket.OPEN; round++) {
    socket.ping()
    const other = new AbortController()
    await Promise.race([once(socket, 'pong', other), once(socket, 'close', other)])
    other.abort()
    await clock.settle()
  }
}

/** The application that vectors expect; README.md describes it. */
const startServer = async (setup: ServerSetup, clock: VirtualClock, applied: unknown[]) => {
  const { tokens, forbidden, historySize = 1000, ...options } = setup
  const memory = (): MemoryBroker =>
    new MemoryBroker({ historySize, maxChannels: 10, now: clock.now })
  const broker = memory()
  let { sessions } = broker
  const kept = new Proxy(sessions, {
    get: (_target, name) => sessions[name as keyof typeof sessions],
  })
  Object.assign(broker, { sessions: kept })
  const server = createServer({
    ...options,
    port: 0,
    host: '127.0.0.1',
    allowMissingOrigin: true,
    broker,
    ...(tokens && {
      authenticate: ({ token }) => {
        const known = tokens[token]
        if (!known) return null
        const { user, expiresInMs } = known
        return {
          user,
          ...(expiresInMs !== undefined && { expiresAt: clock.now() + expiresInMs }),
        }
      },
    }),
    authorize: (_user, action, channel) => forbidden?.[action] !== channel,
    onMessage({ type, data }) {
      if (type === 'refuse') throw new Error('as the vector wants')
      if (type === 'hang') return new Promise(() => {})
      applied.push(data)
      return type === 'ask' ? { type: 'answer', data } : undefined
    },
  })
  const { port, url } = await server.listen()
  return {
    ...server,
    url,
    http: `http://127.0.0.1:${port}/api/market/snapshot`,
    /** Other channels push the history out. */
    async loseHistory() {
      for (let index = 0; index < 10; index++) await broker.publish(`other-${index}`, { type: 'x' })
    },
    loseSessions() {
      ;({ sessions } = memory())
    },
  }
}

const queryOf = ({ symbols, since }: Request): string => {
  const positions = Object.entries(since ?? {}).map(
    ([channel, { epoch, offset }]) => `${encodeURIComponent(channel)}:${epoch}:${offset}`,
  )
  const parts = [
    ...(symbols ? [`symbols=${symbols.map(encodeURIComponent).join()}`] : []),
    ...(positions.length ? [`since=${positions.join()}`] : []),
  ]
  return parts.length ? `?${parts.join('&')}` : ''
}

type Running = Awaited<ReturnType<typeof startServer>>

const ends: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const end of ends.splice(0)) await end()
  vi.restoreAllMocks()
})

const request = async (url: string, asked: Request, values: Values) => {
  const { method, token, ifNoneMatch, body } = values.fill(asked) as Request
  return fetch(url + queryOf(values.fill(asked) as Request), {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(ifNoneMatch && { 'if-none-match': ifNoneMatch }),
      ...(method === 'POST' && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}

const serverApp = async (server: Running & ResilientServer, does: Step['serverApp'] = {}) => {
  const { publish, loseHistory, loseSessions, drain } = does
  const { channel = '', data, times = 1 } = publish ?? {}
  for (let count = 0; publish && count < times; count++)
    await server.publish(channel, { type: 'tick', data })
  if (loseHistory) await server.loseHistory()
  if (loseSessions) server.loseSessions()
  if (drain) server.drain(drain)
}

const run = async (vector: Vector): Promise<void> => {
  const clock = createVirtualClock()
  useClock(clock)
  const values = createValues(clock.now)
  const applied: unknown[] = []
  const server = await startServer(vector.server ?? {}, clock, applied)
  ends.push(server.close)
  const peers: Peer[] = []
  let asked: Promise<Response> | undefined

  const silent = async (): Promise<void> => {
    for (const peer of peers) {
      await settled(peer, clock)
      expect(peer.heard).toEqual([])
    }
  }

  const expectMessage = async (peer: Peer, template: Fields): Promise<void> => {
    const { type, data } = template
    if (type === 'ack') {
      const { seq } = data as { seq: number }
      while (peer.ack < seq && peer.socket.readyState === peer.socket.OPEN) await peer.more()
      return expect(peer.ack).toBe(seq)
    }
    while (!peer.heard.length && peer.socket.readyState === peer.socket.OPEN) await peer.more()
    const actual = peer.heard.shift()
    expect(actual && values.mismatch(template, actual), JSON.stringify(actual)).toBeUndefined()
    expect(actual, `a message '${type}'`).toBeDefined()
  }

  const take = async (step: Step): Promise<void> => {
    const peer = peers.at(step.on === undefined ? -1 : step.on - 1)
    const need = (): Peer => {
      if (!peer) throw new Error('Nobody is connected')
      return peer
    }
    const say = (message: unknown): void => need().socket.send(JSON.stringify(values.fill(message)))
    if (step.dial === 'opens') peers.push(await connect(server.url))
    else if (step.client) say(step.client)
    else if (step.clientFrame !== undefined) need().socket.send(step.clientFrame)
    else if (step.server || step.lost) {
      for (const message of [step.server ?? step.lost].flat())
        await expectMessage(need(), message as Fields)
    } else if (step.close?.by === 'server') {
      expect(await need().closed).toBe(step.close.code)
      expect(need().heard).toEqual([])
    } else if (step.close || step.cut) {
      const gone = new Promise<void>(resolve => {
        const off = server.on('disconnection', () => resolve(off()))
      })
      if (step.cut) need().socket.terminate()
      else need().socket.close(1000)
      await gone
    } else if (step.request || step.answer) {
      if (step.request) asked = request(server.http, step.request, values)
      if (!step.answer) return
      const response = await asked
      if (!response) throw new Error('Nothing was asked')
      const text = await response.text()
      if (step.answer === 'lost') return
      const { status, etag, body } = step.answer
      const got = {
        status: response.status,
        etag: response.headers.get('etag'),
        body: text && JSON.parse(text),
      }
      const wanted = { status, ...(etag && { etag }), ...(body !== undefined && { body }) }
      expect(values.mismatch(wanted, got), text).toBeUndefined()
    } else if (step.serverApp) await serverApp(server, step.serverApp)
    else if (step.advance !== undefined) {
      for (const each of peers) await settled(each, clock)
      await clock.advance(step.advance)
    } else if (step.quiet) await silent()
    else if (step.applied) {
      for (const each of peers) await settled(each, clock)
      expect(applied).toEqual(step.applied)
    }
  }

  for (const [index, step] of vector.steps.entries()) {
    await take(step).catch(thrown => {
      thrown.message = `Step ${index + 1} (${verbOf(step)}): ${thrown.message}`
      throw thrown
    })
  }
  // Nothing was said beyond what the vector tells.
  await silent()
}

describe.each(vectorsFor('server'))('the server, %s', (_topic, vectors) => {
  test.each(vectors.map(vector => [vector.name, vector] as const))('%s', (_name, vector) =>
    run(vector),
  )
})
