/** The real server logic on a simulated network: it crashes, comes back, forgets, and takes its time. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Broker, Published } from '../../src/server/broker.ts'
import { handleRequest } from '../../src/server/http.ts'
import { createHub, type Hub } from '../../src/server/hub.ts'
import { MemoryBroker } from '../../src/server/memory-broker.ts'
import { resolveServerOptions, type ServerOptions } from '../../src/server/options.ts'
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'
import type { Ledger } from './ledger.ts'
import type { Far, HttpAnswer, HttpRequest } from './network.ts'

export interface FarRules {
  readonly options: ServerOptions
  readonly historySize: number
  readonly historyTtlMs: number
  /** The broker takes up to so long for a history, ms. */
  readonly brokerMs: number
  /** Handlers take up to so long, ms. */
  readonly slowMs: number
  /** The share of messages that the application refuses. */
  readonly refuses: number
  /** Tokens last so long, ms; 0: nobody needs one. */
  readonly tokenMs: number
}

export interface FarServer extends Far {
  publish(channel: string): void
  /** The process ends; what it was doing has no effect. */
  crash(): void
  /** It comes back, with its history and sessions or without. */
  start(keep: boolean): void
  isUp(): boolean
  /** Asks everybody to leave. */
  drain(): void
  closeAll(code: number): void
  /** The word of the next publications does not reach the server, though the broker has them. */
  mislay(count: number): void
  token(user: string): string
}

const EPOCH = 1_700_000_000_000
const never = new Promise<never>(() => {})

export const createFarServer = (
  clock: Clock,
  chance: Chance,
  ledger: Ledger,
  rules: FarRules,
): FarServer => {
  const now = (): number => EPOCH + clock.now()
  let broker = new MemoryBroker({ ...rules, now })
  let hub: Hub | undefined
  let alive = { yes: false }
  const owners = new Map<string, string>()
  let mislaid = 0
  let detach = async (): Promise<void> => {}
  /** What a handler did, in effect once its place is used up: as if both were one transaction. */
  const staged = new Map<string, number>()

  const settings = resolveServerOptions({
    ...rules.options,
    allowMissingOrigin: true,
    ...(rules.tokenMs && {
      authenticate: ({ token }) => {
        const [user = '', expiry] = token.split('|')
        const expiresAt = Number(expiry)
        return expiresAt > now() ? { user, expiresAt } : null
      },
    }),
  })

  const start = (keep: boolean): void => {
    if (!keep) broker = new MemoryBroker({ ...rules, now })
    const life = { yes: true }
    alive = life
    const store = broker
    const { sessions } = store
    const pause = (ms: number): Promise<void> =>
      new Promise(done => clock.after(ms, () => life.yes && done()))
    /** A dead process writes nothing. */
    const living =
      <Given extends unknown[], Got>(act: (...given: Given) => Promise<Got>) =>
      async (...given: Given): Promise<Got> =>
        life.yes ? await act(...given) : await never
    const own: Broker = {
      attach: deliver => store.attach(deliver),
      publish: (channel, publication) => store.publish(channel, publication),
      history: living(async (channel, after) => {
        const history = await store.history(channel, after)
        if (rules.brokerMs) await pause(chance.whole(0, rules.brokerMs))
        return history
      }),
      newest: living(channel => store.newest(channel)),
      heads: living(channels => store.heads(channels)),
      channels: living(limit => store.channels(limit)),
      ready: () => life.yes,
      sessions: {
        contact: living((key, contact) => {
          const [user, sid] = JSON.parse(key) as [string, string]
          if ((owners.get(sid) ?? user) !== user)
            ledger.violation(`${user} uses the session of another`)
          owners.set(sid, user)
          return sessions.contact(key, contact)
        }),
        touch: living((key, tok, ttlMs) => sessions.touch(key, tok, ttlMs)),
        begin: living((key, tok, seq) => sessions.begin(key, tok, seq)),
        advance: living(async (key, tok, seq, refused) => {
          const [user] = JSON.parse(key) as [string]
          const number = staged.get(user)
          staged.delete(user)
          const used = await sessions.advance(key, tok, seq, refused)
          if (used && !refused && number !== undefined) ledger.applied(number, user)
          return used
        }),
      },
    }
    hub = createHub({
      settings,
      broker: own,
      environment: {
        now,
        monotonicNow: clock.now,
        random: chance.next,
        setTimeout: (run, delayMs) => clock.after(delayMs, () => life.yes && run()),
        clearTimeout: clock.cancel,
      },
      async message(message, client) {
        const { number } = message.data as { number: number }
        if (rules.slowMs && chance.maybe(0.3)) await pause(chance.whole(1, rules.slowMs))
        if (chance.maybe(rules.refuses)) throw new Error('The application refuses')
        staged.set(client.user ?? '', number)
        return number % 7 ? undefined : { type: 'reply', data: number }
      },
      closed() {},
    })
    const deliver = (published: Published): void => {
      if (mislaid > 0) mislaid--
      else if (life.yes) hub?.deliver(published)
    }
    store.attach(deliver).then(end => {
      if (life.yes) detach = end
      else end()
    })
  }
  start(true)

  const answer = async (server: Hub, request: HttpRequest): Promise<HttpAnswer> => {
    let status = 0
    let headers: Record<string, string> = {}
    const url = new URL(request.url)
    return new Promise(resolve => {
      const incoming = {
        method: request.method,
        url: `${url.pathname}${url.search}`,
        headers: { ...request.headers },
        socket: { remoteAddress: 'simulated' },
        async *[Symbol.asyncIterator]() {
          yield Buffer.from(request.body)
        },
      }
      const response = {
        headersSent: false,
        writeHead(code: number, given: Record<string, string>) {
          status = code
          headers = Object.fromEntries(
            Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]),
          )
        },
        end: (body = '') => resolve({ status, headers, body }),
        destroy() {},
      }
      const host = {
        settings,
        broker,
        environment: { now } as never,
        posting: server.posting,
        draining: () => false,
        authenticate: async (_request: unknown, token: string) =>
          (await settings.authenticate?.({ request: incoming as never, token })) ?? null,
      }
      handleRequest(
        host,
        incoming as unknown as IncomingMessage,
        response as unknown as ServerResponse,
      )
    })
  }

  return {
    accept(socket) {
      if (!hub) return undefined
      const connection = hub.connect(socket, {
        address: 'simulated',
        identity: null,
        authenticate: async token =>
          (await settings.authenticate?.({ request: {} as never, token })) ?? null,
      })
      return {
        received: text => connection.received(text, text.length),
        ended: connection.ended,
        ponged: connection.ponged,
      }
    },
    request: request => (hub ? answer(hub, request) : undefined),
    publish(channel) {
      if (hub) broker.publish(channel, { type: 'tick', data: { number: ledger.publish(channel) } })
    },
    crash() {
      alive.yes = false
      hub = undefined
      detach()
    },
    start,
    isUp: () => hub !== undefined,
    drain() {
      for (const connection of hub?.connections ?? []) {
        connection.send('reconnect', { afterMs: 100, jitterMs: 300, reason: 'simulated' })
      }
    },
    closeAll(code) {
      for (const connection of hub?.connections ?? []) connection.close(code, 'simulated')
    },
    mislay(count) {
      mislaid = count
    },
    token: user => `${user}|${now() + rules.tokenMs}`,
  }
}
