import {
  createResilientWebSocket,
  type IncomingEnvelope,
  type OutgoingEnvelope,
  type ResilientWebSocket,
  type ResilientWebSocketOptions,
} from 'resilient-websocket'
import { createFakeNetwork, type FakeNetwork, type VirtualClock } from 'resilient-websocket/testing'

export interface Story {
  readonly network: FakeNetwork
  readonly clock: VirtualClock
  readonly socket: ResilientWebSocket<IncomingEnvelope, OutgoingEnvelope>
  /** Every status so far, beginning with the one on creation. */
  readonly statuses: string[]
  readonly errors: string[]
  readonly messages: IncomingEnvelope[]
  /** Log lines, `level words`. */
  readonly log: string[]
  /** The newest socket opens, and a plain server greets. */
  accept(): void
  /** Every dial from now on fails at once. */
  refuseAll(): void
}

/** A client on a network, a clock and a page of its own. */
export const start = (
  options: ResilientWebSocketOptions<IncomingEnvelope, OutgoingEnvelope> = {},
): Story => {
  const network = createFakeNetwork()
  const log: string[] = []
  const write =
    (level: string) =>
    (...words: unknown[]): void =>
      void log.push(`${level} ${words.join(' ')}`)
  const socket = createResilientWebSocket({
    logger: {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
    },
    ...options,
    environment: { ...network.environment, ...options.environment },
  })
  const story: Story = {
    network,
    clock: network.clock,
    socket,
    statuses: [socket.status],
    errors: [],
    messages: [],
    log,
    accept() {
      network.socket().open()
      network.socket().receive({ type: 'connection', data: {} })
    },
    refuseAll() {
      network.onDial = dialed => queueMicrotask(() => dialed.fail())
    },
  }
  socket.on('status', ({ to }) => story.statuses.push(to))
  socket.on('error', ({ message }) => story.errors.push(message))
  socket.on('message', message => story.messages.push(message))
  return story
}

/** Polls are answered with this from now on. */
export const answerPolls = (network: FakeNetwork, body: unknown = {}): void => {
  network.onRequest = request => request.answer(body)
}
