/** Checks that hold every protocol to the same promises, for any test runner. */
import {
  createResilientWebSocket,
  type Delivery,
  type Environment,
  type Protocol,
  type ResilientWebSocket,
} from 'resilient-websocket'

/** A server that speaks the protocol, as the checks use it. Its texts are letters and digits. */
export interface SuiteServer<Incoming, Outgoing> {
  /** Where clients dial. */
  readonly url: string
  /** A channel that anybody may join. Absent: the protocol has no channels. */
  readonly channel?: string
  /** A channel that nobody may join. Absent: the server refuses none. */
  readonly forbiddenChannel?: string
  /** A message that carries this text to the server, for `channel` where there is one. */
  message(text: string): Outgoing
  /** The text of a message from the server; `undefined` for any other message. */
  textOf(message: Incoming): string | undefined
  /** Messages that the server refuses. Absent: it refuses none. */
  refused?(): Outgoing
  /** A message that the server answers with a message of this text. Absent: it answers none. */
  question?(text: string): Outgoing
  /** Sends a message with this text to every client (that has joined `channel`, where there is one). */
  publish(text: string): void
  /** The texts that have come from clients since `start()`, in their order. */
  received(): readonly string[]
  /** Ends every link without a word. */
  cut(): void
  /** Links that are open. */
  links(): number
  /** Ends the server, its links and whatever it has started. */
  stop(): Promise<void>
}

/** One promise, and what proves it. `run` rejects with what was expected and what came. */
export interface ProtocolCheck {
  readonly name: string
  run(): Promise<void>
}

type AnyClient<Incoming, Outgoing> = ResilientWebSocket<Incoming, Outgoing>

interface Story<Incoming, Outgoing> {
  readonly server: SuiteServer<Incoming, Outgoing>
  /** A client that is ready, and has joined the channel where there is one. */
  connect(): Promise<AnyClient<Incoming, Outgoing>>
  /** The texts that a client has got. */
  textsFor(client: AnyClient<Incoming, Outgoing>): readonly string[]
}

/** How long anything may take, in ms. */
const PATIENCE_MS = 10_000
const LOOK_MS = 10
const PROBE = 'probe'

const show = (value: unknown): string => JSON.stringify(value) ?? String(value)

const same = (what: string, got: unknown, expected: unknown): void => {
  if (show(got) !== show(expected)) {
    throw new Error(`${what}: expected ${show(expected)}, got ${show(got)}`)
  }
}

/** Waits until a value is as expected. */
const until = async (what: string, get: () => unknown, expected: unknown): Promise<void> => {
  const end = Date.now() + PATIENCE_MS
  while (show(get()) !== show(expected) && Date.now() < end) {
    await new Promise(resolve => setTimeout(resolve, LOOK_MS))
  }
  same(what, get(), expected)
}

const stateOf = async (delivery: Delivery): Promise<string> => (await delivery.settled).state

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    error => error ?? 'nothing',
  )

type Check<Incoming, Outgoing> = (
  name: string,
  story: (story: Story<Incoming, Outgoing>) => Promise<void>,
) => ProtocolCheck

/** Makes checks, each with a server and clients of its own. */
const createCheck =
  <Incoming, Outgoing>(
    protocol: Protocol<Incoming, Outgoing>,
    start: () => Promise<SuiteServer<Incoming, Outgoing>>,
    environment: Partial<Environment>,
  ): Check<Incoming, Outgoing> =>
  (name, story) => ({
    name: `${protocol.name}: ${name}`,
    async run() {
      const server = await start()
      const clients: AnyClient<Incoming, Outgoing>[] = []
      const texts = new Map<unknown, string[]>()
      try {
        await story({
          server,
          async connect() {
            const client = createResilientWebSocket<Incoming, Outgoing>({
              url: server.url,
              protocol,
              environment,
              fallback: false,
              reconnect: { initialDelayMs: 20, maxDelayMs: 100 },
            })
            clients.push(client)
            const received: string[] = []
            let hasProbe = false
            texts.set(client, received)
            client.on('message', message => {
              const text = server.textOf(message)
              if (text?.startsWith(PROBE)) hasProbe = true
              else if (text !== undefined) received.push(text)
            })
            await until('phase', () => client.getSnapshot().phase, 'ready')
            if (server.channel === undefined) return client
            await client.subscribe(server.channel).ready
            // A server that confirms nothing has the channel when the first message comes.
            let probes = 0
            await until(
              'a message of the channel',
              () => {
                if (!hasProbe) server.publish(`${PROBE}${probes++}`)
                return hasProbe
              },
              true,
            )
            return client
          },
          textsFor: client => texts.get(client) ?? [],
        })
      } finally {
        for (const client of clients) client.close()
        await server.stop()
      }
    },
  })

/** What every protocol can do. */
const checksOfLinks = <Incoming, Outgoing>(
  check: Check<Incoming, Outgoing>,
  fate: 'acked' | undefined,
): readonly ProtocolCheck[] => [
  check('delivers what the server sends, in order', async ({ server, connect, textsFor }) => {
    const client = await connect()
    for (const text of ['a', 'b', 'c']) server.publish(text)
    await until('messages', () => textsFor(client), ['a', 'b', 'c'])
  }),
  check('sends messages in order, and each has its fate', async ({ server, connect }) => {
    const client = await connect()
    const deliveries = ['a', 'b', 'c'].map(text => client.send(server.message(text)))
    await until('received', server.received, ['a', 'b', 'c'])
    for (const delivery of deliveries) {
      const state = await stateOf(delivery)
      same('fate', state, fate ?? (state === 'acked' ? 'acked' : 'sent'))
    }
  }),
  check('comes back after a cut, with its channels', async ({ server, connect, textsFor }) => {
    const client = await connect()
    server.publish('before')
    await until('messages', () => textsFor(client), ['before'])
    server.cut()
    await until('phase', () => client.getSnapshot().phase, 'waiting')
    await until('phase', () => client.getSnapshot().phase, 'ready')
    let published = 0
    // When the server has the channel again nobody can see from outside: it is published until it comes.
    while (textsFor(client).length < 2 && published < PATIENCE_MS / LOOK_MS) {
      server.publish(`after${published++}`)
      await new Promise(resolve => setTimeout(resolve, LOOK_MS))
    }
    same('texts after the cut', textsFor(client)[1]?.startsWith('after'), true)
  }),
  check('keeps what is sent without a link', async ({ server, connect }) => {
    const client = await connect()
    server.cut()
    await until('phase', () => client.getSnapshot().phase, 'waiting')
    for (const text of ['x', 'y']) client.send(server.message(text))
    await until('received', server.received, ['x', 'y'])
  }),
  check('one value serves several clients', async ({ server, connect, textsFor }) => {
    const first = await connect()
    const second = await connect()
    first.close()
    await until('links', server.links, 1)
    server.publish('still')
    await until('messages', () => textsFor(second), ['still'])
    same('messages of the closed client', textsFor(first), [])
  }),
  check('leaves no link behind', async ({ server, connect }) => {
    const client = await connect()
    client.close()
    await until('links', server.links, 0)
  }),
]

/** What a protocol can do, or says that it cannot. */
const checksOfAnswers = <Incoming, Outgoing>(
  check: Check<Incoming, Outgoing>,
  protocol: Protocol<Incoming, Outgoing>,
): readonly ProtocolCheck[] => [
  check('says what it cannot do', async ({ server, connect }) => {
    const client = await connect()
    const error = await rejection(
      (async () => client.request(server.message('q'), { timeoutMs: 50 }))(),
    )
    same('request() is a TypeError', error instanceof TypeError, !protocol.replies)
    let subscribed: unknown
    try {
      client.subscribe(server.channel ?? 'any')
    } catch (error) {
      subscribed = error
    }
    same('subscribe() throws a TypeError', subscribed instanceof TypeError, !protocol.channels)
  }),
  check('refusals reach who asked', async ({ server, connect }) => {
    const client = await connect()
    const { forbiddenChannel, refused } = server
    if (forbiddenChannel !== undefined) {
      const error = await rejection(client.subscribe(forbiddenChannel).ready)
      same('ready rejects', error instanceof Error, true)
    }
    if (refused) {
      same('fate', await stateOf(client.send(refused())), 'rejected')
      const error = await rejection(client.request(refused()))
      same('request() rejects', error instanceof Error, true)
    }
  }),
  check('answers reach who asked', async ({ server, connect }) => {
    const client = await connect()
    if (!server.question) return
    const answer = await client.request(server.question('why'))
    same('answer', server.textOf(answer), 'why')
  }),
]

/**
 * The promises of a protocol, each with a server of its own: deliver, send in order, settle, come back after a cut, join
 * again, tell refusals, serve several clients, leave nothing behind. They use real sockets and real time.
 * `environment`: the client's, for a runtime without a WebSocket, such as Node 20: `{ WebSocket }` of the package ws.
 *
 * ```ts
 * for (const { name, run } of protocolSuite(myProtocol(), startMyServer)) test(name, run)
 * ```
 */
export const protocolSuite = <Incoming, Outgoing>(
  protocol: Protocol<Incoming, Outgoing>,
  start: () => Promise<SuiteServer<Incoming, Outgoing>>,
  environment: Partial<Environment> = {},
): readonly ProtocolCheck[] => {
  const check = createCheck(protocol, start, environment)
  return [
    ...checksOfLinks(check, protocol.acks ? 'acked' : undefined),
    ...checksOfAnswers(check, protocol),
  ]
}
