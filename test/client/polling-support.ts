/** Clients on fallback, for stories about what HTTP answers. */
import type { Delivery } from 'resilient-websocket'
import type { FakeRequest } from 'resilient-websocket/testing'
import { expect } from 'vitest'
import { type Story, start } from './support.ts'
import { startV1, type V1Story } from './v1-support.ts'

export const HTML = '<!doctype html><title>My app</title><div id="root"></div>'
export const asHtml = { 'content-type': 'text/html; charset=utf-8' }

/** A client on fallback, whose first poll is on its way, and whose WebSocket is not probed by itself. */
export const fallBack = async (options: Parameters<typeof start>[0] = {}): Promise<Story> => {
  const { fallback = {}, ...others } = options
  const story = start({
    reconnect: { maxAttempts: 0 },
    fallback: { probeIntervalMs: 1e9, ...fallback },
    ...others,
  })
  story.network.socket().fail()
  await story.clock.settle()
  expect(story.socket.status).toBe('FALLBACK')
  // The dial that failed is not what these stories are about.
  story.errors.length = 0
  return story
}

/** What the `poll` event says. */
export const pollsOf = ({ socket }: Story): unknown[] => {
  const polls: unknown[] = []
  socket.on('poll', poll => polls.push(poll))
  return polls
}

export const warnings = ({ log }: Story): string[] => log.filter(line => line.startsWith('warn'))

export interface Posting extends V1Story {
  /** Of the message that is being POSTed. */
  readonly delivery: Delivery
  /** Sockets that were dialed before. */
  readonly sockets: number
  /** Every POST so far. */
  posts(): FakeRequest[]
  /** Answers the request that was made last. */
  answerPost(body: unknown, init?: ResponseInit): Promise<void>
}

/** A client of protocol v1 on fallback, with one message that is being POSTed. */
export const posting = async (): Promise<Posting> => {
  const story = startV1({ reconnect: { maxAttempts: 0 }, fallback: { probeIntervalMs: 1e9 } })
  const { network, clock, socket, errors } = story
  await story.agree()
  network.socket().close(1006)
  await clock.settle()
  const delivery = socket.send({ type: 'order' })
  network.request().answer({ protocol: 1, messages: [], channels: {} })
  await clock.settle()
  expect(network.request().method).toBe('POST')
  errors.length = 0
  const posts = () => network.requests.filter(({ method }) => method === 'POST')
  return {
    ...story,
    delivery,
    posts,
    sockets: network.sockets.length,
    async answerPost(body: unknown, init?: ResponseInit) {
      network.request().answer(body, init)
      await clock.settle()
    },
  }
}
