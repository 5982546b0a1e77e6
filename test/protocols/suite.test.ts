import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  envelope,
  type IncomingEnvelope,
  json,
  type OutgoingEnvelope,
  type RawData,
  raw,
  type WebSocketConstructor,
} from 'resilient-websocket'
import { phoenix } from 'resilient-websocket/protocols'
import { createServer } from 'resilient-websocket/server'
import { protocolSuite, type SuiteServer } from 'resilient-websocket/testing'
import { describe, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { startPhoenixSuite } from '../support/phoenix-suite.ts'

const environment = { WebSocket: WebSocket as unknown as WebSocketConstructor }

/** A server that sends every client what it is told to, and takes frames as they are. */
const startRaw = async (): Promise<SuiteServer<RawData, RawData>> => {
  const http = createHttpServer()
  const sockets = new WebSocketServer({ server: http })
  const received: string[] = []
  sockets.on('connection', socket => socket.on('message', data => received.push(`${data}`)))
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  return {
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`,
    message: text => text,
    textOf: message => `${message}`,
    publish(text) {
      for (const socket of sockets.clients) socket.send(text)
    },
    received: () => received,
    cut() {
      for (const socket of sockets.clients) socket.terminate()
    },
    links: () => sockets.clients.size,
    async stop() {
      for (const socket of sockets.clients) socket.terminate()
      sockets.close()
      await new Promise(resolve => http.close(resolve))
    },
  }
}

/** The companion server, behind sockets that can be cut. */
const startCompanion = async (): Promise<SuiteServer<IncomingEnvelope, OutgoingEnvelope>> => {
  const http = createHttpServer()
  const links = new Set<{ destroy(): void }>()
  http.on('connection', socket => {
    links.add(socket)
    socket.on('close', () => links.delete(socket))
  })
  const received: string[] = []
  const server = createServer({
    server: http,
    allowMissingOrigin: true,
    authorize: (_user, _action, channel) => channel !== 'forbidden',
    onMessage({ type, data }) {
      const { text } = data as { text: string }
      if (type === 'ask') return { type: 'answer', data: { text } }
      received.push(text)
      return undefined
    },
  })
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  await server.listen()
  return {
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}/ws`,
    channel: 'news',
    message: text => ({ type: 'text', data: { text } }),
    textOf: ({ data }) => (data as { text?: string } | undefined)?.text,
    question: text => ({ type: 'ask', data: { text } }),
    publish: text => void server.publish('news', { type: 'news', data: { text } }),
    received: () => received,
    cut() {
      for (const socket of links) socket.destroy()
    },
    links: () => links.size,
    async stop() {
      await server.close()
      http.closeAllConnections()
      await new Promise(resolve => http.close(resolve))
    },
  }
}

const startSessions = async (): ReturnType<typeof startCompanion> => ({
  ...(await startCompanion()),
  forbiddenChannel: 'forbidden',
})

describe.each([
  ['phoenix', protocolSuite(phoenix(), startPhoenixSuite, environment)],
  ['raw', protocolSuite(raw(), startRaw, environment)],
  ['plain envelopes', protocolSuite(json({ version: 0 }), startCompanion, environment)],
  ['protocol v1', protocolSuite(envelope({ version: 1 }), startSessions, environment)],
])('%s', (_name, checks) => {
  test.each(checks.map(({ name, run }) => [name, run] as const))('%s', (_check, run) => run())
})

test('a check says what was expected and what came', async () => {
  const deaf = async (): Promise<SuiteServer<RawData, RawData>> => ({
    ...(await startRaw()),
    textOf: () => 'wrong',
  })
  const [first] = protocolSuite(raw(), deaf, environment)
  await expect(first?.run()).rejects.toThrow(
    'messages: expected ["a","b","c"], got ["wrong","wrong","wrong"]',
  )
})
