/** Plays the server's part of every vector to our client, on a fake network, and checks what it says and tells. */
import { createResilientWebSocket, type Subscription } from 'resilient-websocket'
import { createFakeNetwork, type FakeRequest, type FakeSocket } from 'resilient-websocket/testing'
import { describe, expect, test } from 'vitest'
import {
  createValues,
  type Fields,
  type Request,
  type Step,
  type Vector,
  vectorsFor,
  verbOf,
} from './vectors.ts'

/** The longest a client may take to dial or poll, and to say something. */
const PATIENCE_MS = 150_000
const SOON_MS = 1000

const ABSENT = Object.fromEntries(
  ['symbols', 'since', 'token', 'ifNoneMatch', 'body'].map(name => [name, '$absent']),
)

/** A request in the words of a vector. */
const read = ({ url, method, headers, init }: FakeRequest): Fields => {
  const [, query = ''] = url.split('?')
  const listOf = (name: string): string[] | undefined => {
    const given = query.split('&').find(part => part.startsWith(`${name}=`))
    return given
      ?.slice(name.length + 1)
      .split(',')
      .map(decodeURIComponent)
  }
  const since = listOf('since')?.map(item => {
    const [, channel = item, epoch, offset] = /^(.+):([^:]+):(\d+)$/s.exec(item) ?? []
    return [channel, { epoch, offset: Number(offset) }]
  })
  return {
    method,
    symbols: listOf('symbols'),
    since: since && Object.fromEntries(since),
    token: headers.get('authorization')?.replace('Bearer ', ''),
    ifNoneMatch: headers.get('if-none-match') ?? undefined,
    body: init?.body === undefined ? undefined : JSON.parse(String(init.body)),
  }
}

const run = async ({ client: setup = {}, steps }: Vector): Promise<void> => {
  const network = createFakeNetwork()
  const { clock, sockets, requests } = network
  const values = createValues(clock.now)
  const { token, retries = 3 } = setup
  const client = createResilientWebSocket({
    enabled: false,
    // Soon in FALLBACK; no poll or probe comes while another step is played.
    reconnect: { initialDelayMs: 100, maxAttempts: 3 },
    fallback: { intervalMs: 60_000, timeoutMs: 60_000, probeIntervalMs: 10_000 },
    batch: false,
    queue: { retries },
    environment: network.environment,
    ...(token !== undefined && { token }),
  })
  const subscriptions = new Map<string, Subscription<unknown>>()
  let delivered: unknown[] = []
  let told: Fields[] = []
  client.on('message', message => delivered.push(message))
  client.on('gap', gap => told.push({ gap }))
  client.on('recovered', recovered => told.push({ recovered }))
  client.on('delivery', ({ id, state, reason }) =>
    told.push({ delivery: { id, state, ...(reason && { reason }) } }),
  )

  /** Connections that were let in, and how much of what was said on each has been expected. */
  const peers: { readonly socket: FakeSocket; heard: number }[] = []
  let dials = 0
  let polls = 0
  let reachable = true
  network.onDial = socket => {
    if (reachable) return
    dials++
    queueMicrotask(() => socket.fail())
  }

  /** Lets time pass until something has happened. */
  const until = async (happened: () => boolean, withinMs: number, stepMs: number) => {
    await clock.settle()
    for (let waited = 0; !happened() && waited < withinMs; waited += stepMs)
      await clock.advance(stepMs)
  }

  const silent = (): void => {
    for (const { socket, heard } of peers) expect(socket.messages().slice(heard)).toEqual([])
    expect(requests.slice(polls).map(read)).toEqual([])
  }

  const matches = (template: unknown, actual: unknown): void =>
    expect(values.mismatch(template, actual), JSON.stringify(actual)).toBeUndefined()

  const app = (does: Step['clientApp'] = {}): void => {
    const { subscribe, unsubscribe, send, token: fresh } = does
    if (subscribe !== undefined) subscriptions.set(subscribe, client.subscribe(subscribe))
    if (unsubscribe !== undefined) subscriptions.get(unsubscribe)?.unsubscribe()
    if (send) client.send(values.fill(send) as { type: string })
    if (fresh !== undefined) client.setToken(fresh)
  }

  const take = async (step: Step): Promise<void> => {
    const peer = peers.at(step.on === undefined ? -1 : step.on - 1)
    const need = () => {
      if (!peer) throw new Error('Nobody is connected')
      return peer
    }
    if (step.dial) {
      if (client.status === 'CLOSED') client.connect()
      const unexpected = sockets.length - dials
      if (step.dial === 'fails') {
        if (unexpected) sockets.at(-1)?.fail()
        dials = sockets.length
        reachable = false
        return
      }
      reachable = true
      await until(() => sockets.length > dials, PATIENCE_MS, 100)
      expect(sockets.length - dials, 'dials').toBe(1)
      dials++
      const socket = network.socket()
      socket.open()
      peers.push({ socket, heard: 0 })
    } else if (step.server || step.serverFrame !== undefined) {
      await clock.settle()
      silent()
      need().socket.receive(step.serverFrame ?? values.fill(step.server))
    } else if (step.client) {
      const { socket } = need()
      for (const message of [step.client].flat()) {
        await until(() => socket.messages().length > need().heard, SOON_MS, 10)
        const actual = socket.messages()[need().heard++]
        expect(actual, `a message '${(message as Fields)['type']}'`).toBeDefined()
        matches(message, actual)
      }
    } else if (step.close?.by === 'client') {
      await until(() => need().socket.closedByClient !== undefined, SOON_MS, 10)
      silent()
      expect(need().socket.closedByClient, 'how the client closed').toBeDefined()
    } else if (step.close || step.cut) {
      await clock.settle()
      silent()
      need().socket.close(step.close?.code ?? 1006)
    } else if (step.request || step.answer) {
      if (step.request) {
        await until(() => requests.length > polls, PATIENCE_MS, 100)
        const request = requests[polls++]
        expect(request && read(request), `a ${step.request.method}`).toBeDefined()
        if (request)
          matches({ ...ABSENT, ...step.request } satisfies Partial<Request>, read(request))
      }
      if (!step.answer) return
      const request = requests[polls - 1]
      if (!request) throw new Error('Nothing was asked')
      if (step.answer === 'lost') return request.fail()
      const { status, etag, body } = step.answer
      request.answer(values.fill(body), {
        status,
        ...(etag && { headers: { etag: String(values.fill(etag)) } }),
      })
    } else if (step.clientApp) app(step.clientApp)
    else if (step.advance !== undefined) await clock.advance(step.advance)
    else if (step.quiet) silent()
    else if (step.delivered) {
      await clock.settle()
      matches(step.delivered, delivered)
      delivered = []
    } else if (step.told) {
      await clock.settle()
      matches(step.told, told)
      told = []
    } else if (step.status) {
      await clock.settle()
      expect(client.status).toBe(step.status)
    }
  }

  for (const [index, step] of steps.entries()) {
    await take(step).catch(thrown => {
      thrown.message = `Step ${index + 1} (${verbOf(step)}): ${thrown.message}`
      throw thrown
    })
  }
  await clock.settle()
  silent()
  expect(sockets.length, 'dials').toBe(dials)
  expect(delivered).toEqual([])
  client.close()
}

describe.each(vectorsFor('client'))('the client, %s', (_topic, vectors) => {
  test.each(vectors.map(vector => [vector.name, vector] as const))('%s', (_name, vector) =>
    run(vector),
  )
})
