import {
  createResilientWebSocket,
  type ResilientWebSocket,
  type WebSocketConstructor,
} from 'resilient-websocket'
import { afterEach } from 'vitest'
import { WebSocket } from 'ws'
import { RedisBroker, type RedisBrokerOptions } from '../../src/server/index.ts'
import { connect, type Peer } from './support.ts'

const open: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (const end of open.splice(0).reverse()) await end()
})

/** Ends something after the test. */
export const atEnd = (end: () => Promise<void> | void): void => void open.push(end)

/** A broker of this test alone. */
export const createBroker = (
  url: string,
  options: Partial<RedisBrokerOptions> = {},
): RedisBroker => {
  const broker = new RedisBroker({ url, ...options })
  atEnd(() => broker.close())
  return broker
}

interface Message {
  readonly type: string
  readonly data?: unknown
}

export interface Client {
  readonly socket: ResilientWebSocket<Message, Message>
  /** The reasons of the gaps that it was told of. */
  readonly gaps: string[]
}

/** The real client, in a hurry. */
export const createClient = (url: string | (() => string)): Client => {
  const socket = createResilientWebSocket<Message, Message>({
    url,
    environment: { WebSocket: WebSocket as unknown as WebSocketConstructor },
    reconnect: { initialDelayMs: 20, maxDelayMs: 100, maxAttempts: 1000, stableAfterMs: 100 },
    fallback: false,
    queue: { retries: 1000 },
    dedupe: false,
  })
  const gaps: string[] = []
  socket.on('gap', ({ reason }) => gaps.push(reason))
  atEnd(() => socket.close())
  return { socket, gaps }
}

export const SID = 'a-session-of-this-test'

export const hello = (gen: number, tok?: string, channels: object = {}): object => ({
  type: 'hello',
  data: { sid: SID, gen, tok, channels },
})

export interface Welcome {
  readonly tok: string
  readonly ack: number
}

/** A connection that has said hello. */
export const greet = async (
  url: string,
  gen: number,
  tok?: string,
): Promise<{ peer: Peer; welcome: Welcome }> => {
  const peer = await connect(url)
  peer.send(hello(gen, tok))
  const { data } = await peer.next('welcome')
  return { peer, welcome: data as unknown as Welcome }
}

export const order = (seq: number): Record<string, unknown> => ({ type: 'order', seq, data: seq })

/** The highest place that was acknowledged. */
export const ackOf = (peer: Peer): number =>
  Math.max(0, ...peer.all('ack').map(({ data }) => Number(data['seq'])))

/** Something to wait for, and what lets it come. */
export const gate = (): { readonly opened: Promise<void>; open(): void } => {
  let open = (): void => {}
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  return { opened, open: () => open() }
}
