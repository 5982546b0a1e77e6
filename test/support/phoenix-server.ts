/**
 * A small server that speaks Phoenix channels, version 2 of the serializer. Everybody may join `room:...`; `private:...` needs
 * the join payload `{ token: 'user' }`. Events: `shout` (to everybody in the topic, and an ok reply), `echo`, `fail`
 * (an error reply), `quiet` (no reply), `crash` (`phx_error`), `stop` (`phx_close`).
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'

type Payload = Record<string, unknown> | Buffer

interface Client {
  readonly socket: WebSocket
  readonly joins: Map<string, string>
}

export interface PhoenixServer {
  readonly port: number
  /** Events that were pushed, as `topic event`, in order. */
  readonly pushes: string[]
  /** Data of the `shout` events, in order. */
  readonly shouts: unknown[]
  /** What came with each dial: the path with its query, and the subprotocols. */
  readonly dials: { readonly path: string; readonly protocols: string }[]
  /** The payload of every join. */
  readonly joins: { readonly topic: string; readonly payload: unknown }[]
  broadcast(topic: string, event: string, payload: Payload): void
  /** To every client as it is. */
  write(frame: string | Uint8Array): void
  /** Ends every link without a close frame. */
  cut(): void
  links(): number
  close(): Promise<void>
}

const isBinary = (payload: unknown): payload is Buffer => Buffer.isBuffer(payload)

const binary = (kind: number, names: readonly string[], payload: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from([kind, ...names.map(name => Buffer.byteLength(name))]),
    ...names.map(name => Buffer.from(name)),
    payload,
  ])

/** A push, as the client wrote it. */
const read = (
  data: Buffer,
  isText: boolean,
): readonly [string, string, string, string, Payload] => {
  if (isText) return JSON.parse(data.toString())
  let at = 5
  const names = [...data.subarray(1, 5)].map(size => {
    const name = data.subarray(at, at + size).toString()
    at += size
    return name
  })
  return [...(names as [string, string, string, string]), data.subarray(at)]
}

export const startPhoenix = async (): Promise<PhoenixServer> => {
  const http = createServer()
  const sockets = new WebSocketServer({
    server: http,
    handleProtocols: offered => (offered.has('phoenix') ? 'phoenix' : false),
  })
  const clients = new Set<Client>()
  const pushes: string[] = []
  const shouts: unknown[] = []
  const dials: { path: string; protocols: string }[] = []
  const joins: { topic: string; payload: unknown }[] = []

  const text = ({ socket }: Client, ...frame: unknown[]): void => socket.send(JSON.stringify(frame))

  const reply = (
    client: Client,
    [joinRef, ref, topic]: readonly string[],
    status: 'ok' | 'error',
    response: Payload,
  ): void => {
    if (isBinary(response)) {
      client.socket.send(binary(1, [`${joinRef}`, `${ref}`, `${topic}`, status], response))
    } else text(client, joinRef, ref, topic, 'phx_reply', { status, response })
  }

  const broadcast = (topic: string, event: string, payload: Payload): void => {
    for (const client of clients) {
      if (!client.joins.has(topic)) continue
      if (isBinary(payload)) client.socket.send(binary(2, [topic, event], payload))
      else text(client, null, null, topic, event, payload)
    }
  }

  const join = (client: Client, frame: readonly string[], payload: Payload): void => {
    const [joinRef = '', , topic = ''] = frame
    joins.push({ topic, payload })
    const { token } = payload as { token?: unknown }
    if (topic.startsWith('private:') && token !== 'user') {
      return reply(client, frame, 'error', { reason: 'unauthorized' })
    }
    client.joins.set(topic, joinRef)
    reply(client, frame, 'ok', {})
  }

  const handle = (
    client: Client,
    frame: readonly [string, string, string, string],
    payload: Payload,
  ): void => {
    const [, ref, topic, event] = frame
    if (topic === 'phoenix')
      return text(client, null, ref, topic, 'phx_reply', { status: 'ok', response: {} })
    if (event === 'phx_join') return join(client, frame, payload)
    const joinRef = client.joins.get(topic)
    if (joinRef === undefined) return reply(client, frame, 'error', { reason: 'unmatched topic' })
    if (event === 'phx_leave') {
      client.joins.delete(topic)
      reply(client, frame, 'ok', {})
      return text(client, joinRef, null, topic, 'phx_close', {})
    }
    pushes.push(`${topic} ${event}`)
    if (event === 'shout') {
      shouts.push(payload)
      broadcast(topic, 'shout', payload)
      reply(client, frame, 'ok', {})
    } else if (event === 'echo') reply(client, frame, 'ok', payload)
    else if (event === 'fail') reply(client, frame, 'error', { reason: 'not allowed' })
    else if (event === 'crash' || event === 'stop') {
      client.joins.delete(topic)
      text(client, joinRef, joinRef, topic, event === 'crash' ? 'phx_error' : 'phx_close', {})
    }
  }

  sockets.on('connection', (socket, request) => {
    const client: Client = { socket, joins: new Map() }
    clients.add(client)
    dials.push({
      path: `${request.url}`,
      protocols: `${request.headers['sec-websocket-protocol'] ?? ''}`,
    })
    socket.on('error', () => {})
    socket.on('close', () => clients.delete(client))
    socket.on('message', (data, isBinaryFrame) => {
      const [joinRef, ref, topic, event, payload] = read(data as Buffer, !isBinaryFrame)
      handle(client, [joinRef, ref, topic, event], payload)
    })
  })
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))

  return {
    port: (http.address() as AddressInfo).port,
    pushes,
    shouts,
    dials,
    joins,
    broadcast,
    write(frame) {
      for (const { socket } of clients) socket.send(frame)
    },
    cut() {
      for (const { socket } of clients) socket.terminate()
    },
    links: () => clients.size,
    async close() {
      for (const { socket } of clients) socket.terminate()
      sockets.close()
      http.closeAllConnections()
      await new Promise(resolve => http.close(resolve))
    },
  }
}
