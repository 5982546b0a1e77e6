import { once } from 'node:events'
import { afterEach } from 'vitest'
import { type ClientOptions, WebSocket } from 'ws'
import { createServer, type ResilientServer, type ServerOptions } from '../../src/server/index.ts'

const open: (() => unknown)[] = []

/** Runs after the test, the last one first. */
export const onEnd = (end: () => unknown): void => void open.push(end)

afterEach(async () => {
  for (const end of open.splice(0).reverse()) await end()
})

export interface RunningServer extends ResilientServer {
  readonly port: number
  readonly url: string
  /** `http://...` of the same port. */
  readonly http: string
}

/** A server of this test alone, on a free port. */
export const startServer = async (options: ServerOptions = {}): Promise<RunningServer> => {
  const server = createServer({ port: 0, host: '127.0.0.1', allowMissingOrigin: true, ...options })
  const where = await server.listen()
  open.push(() => server.close())
  return { ...server, ...where, http: `http://127.0.0.1:${where.port}` }
}

type Message = Record<string, unknown> & { data: Record<string, unknown> }

/** A client that hears everything. */
export interface Peer {
  readonly socket: WebSocket
  readonly heard: Message[]
  /** How it was closed. */
  readonly closed: Promise<{ code: number; reason: string }>
  send(message: unknown): void
  /** The first message of this type, also if it came before. */
  next(type: string): Promise<Message>
  /** Every message so far of this type. */
  all(type: string): Message[]
  /** Resolves when the server has handled everything sent so far. */
  settled(): Promise<void>
}

export const connect = async (url: string, options: ClientOptions = {}): Promise<Peer> => {
  const socket = new WebSocket(url, options)
  const heard: Message[] = []
  const waiting = new Set<() => void>()
  let pings = 0
  socket.on('error', () => {})
  socket.on('message', data => {
    heard.push(...[JSON.parse(String(data))].flat())
    for (const look of [...waiting]) look()
  })
  const closed = new Promise<{ code: number; reason: string }>(resolve =>
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason) })),
  )
  open.push(() => socket.terminate())
  await once(socket, 'open')
  const find = (matches: (message: Message) => boolean): Promise<Message> =>
    new Promise(resolve => {
      const look = (): void => {
        const found = heard.find(matches)
        if (!found) return
        waiting.delete(look)
        resolve(found)
      }
      waiting.add(look)
      look()
    })
  const peer: Peer = {
    socket,
    heard,
    closed,
    send: message => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    next: type => find(message => message['type'] === type),
    all: type => heard.filter(message => message['type'] === type),
    async settled() {
      const id = `settled-${++pings}`
      peer.send({ type: 'echo', id })
      await find(message => message['replyTo'] === id)
    },
  }
  return peer
}

/** The HTTP status of a refused upgrade. */
export const refused = async (
  url: string,
  options: ClientOptions = {},
): Promise<{ status: number; headers: Record<string, unknown> }> => {
  const socket = new WebSocket(url, options)
  socket.on('error', () => {})
  const [, response] = await once(socket, 'unexpected-response')
  return { status: response.statusCode, headers: response.headers }
}
