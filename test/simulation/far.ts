/** The real server logic on a simulated network: it crashes, comes back, forgets, and takes its time. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Broker, Published } from '../../src/server/broker/broker.ts'
import { handleRequest } from '../../src/server/http/routes.ts'
import { createHub, type Hub } from '../../src/server/hub.ts'
import { resolveServerOptions, type ServerOptions } from '../../src/server/options.ts'
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'
import type { HttpAnswer, HttpRequest } from './http.ts'
import type { Ledger } from './ledger.ts'
import type { Far } from './network.ts'
import { createStore, type Life, type StoreRules } from './store.ts'

export interface FarRules extends StoreRules {
  readonly options: ServerOptions
  /** Handlers take up to so long, ms. */
  readonly slowMs: number
  /** The share of messages that the application refuses. */
  readonly refuses: number
  /** Tokens last so long, ms; 0: nobody needs one. */
  readonly tokenMs: number
  /** Names are given to messages again and again, on all channels. */
  readonly sameIds: boolean
  /** Something before the server ends a connection (1009) or request (413) that is larger, bytes; 0: nothing does. */
  readonly proxyLimit: number
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
  /** All histories are others, on links that live. */
  renew(): void
  /** The next questions to the store fail. */
  failStore(count: number): void
  /** Its wall clock is so much off, ms. */
  jump(offsetMs: number): void
  /** Nobody may listen to this channel for a while; `undefined`: all may. */
  forbid(channel: string | undefined): void
}

const EPOCH = 1_700_000_000_000

export const createFarServer = (
  clock: Clock,
  chance: Chance,
  ledger: Ledger,
  rules: FarRules,
): FarServer => {
  let offset = 0
  const now = (): number => EPOCH + clock.now() + offset
  const store = createStore(clock, chance, ledger, { ...rules, now })
  let hub: Hub | undefined
  let own: Broker | undefined
  let alive: Life = { yes: false }
  let forbidden: string | undefined
  let mislaid = 0
  let detach = async (): Promise<void> => {}

  const settings = resolveServerOptions({
    ...rules.options,
    allowMissingOrigin: true,
    authorize: (_user, action, channel) => action !== 'subscribe' || channel !== forbidden,
    ...(rules.tokenMs && {
      authenticate: ({ token }) => {
        const [user = '', expiry] = token.split('|')
        const expiresAt = Number(expiry)
        return expiresAt > now() ? { user, expiresAt } : null
      },
    }),
  })

  const start = (keep: boolean): void => {
    if (!keep) store.forget()
    const life = { yes: true }
    alive = life
    const broker = store.seenBy(life)
    own = broker
    const pause = (ms: number): Promise<void> =>
      new Promise(done => clock.after(ms, () => life.yes && done()))
    hub = createHub({
      settings,
      broker,
      environment: {
        now,
        monotonicNow: clock.now,
        random: chance.next,
        setTimeout: (run, delayMs) => clock.after(delayMs, () => life.yes && run()),
        clearTimeout: clock.cancel,
      },
      async onMessage(message, client) {
        const { number, asks } = message.data as { number: number; asks?: boolean }
        if (rules.slowMs && chance.maybe(0.3)) await pause(chance.whole(1, rules.slowMs))
        const user = client.user ?? ''
        const refuses = chance.maybe(rules.refuses)
        if ('seq' in message) store.stage(user, number)
        else if (refuses) ledger.out.refused(number)
        else ledger.out.applied(number, user)
        if (refuses) throw new Error('The application refuses')
        return asks || number % 7 === 0 ? { type: 'reply', data: number } : undefined
      },
    })
    const deliver = (published: Published): void => {
      if (mislaid > 0) mislaid--
      else if (life.yes) hub?.deliver(published)
    }
    broker.attach(deliver).then(end => {
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
        once() {},
        destroy() {},
      }
      const host = {
        settings,
        broker: own as Broker,
        environment: { now } as never,
        postMessages: server.postMessages,
        timeLimits: server.timeLimits,
        mayPoll: server.mayPoll,
        counters: server.counters,
        // Of real sockets.
        deadlines: {
          destroy: () => () => {},
          settle: async <T>(given: Promise<T>) => given,
          end() {},
        },
        metrics: () => '',
        onError() {},
        isDraining: () => false,
        boundAddress: () => '',
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

  /** Messages, that is: a proxy that stops all contact is no trouble of messages. */
  const isTooLarge = (text: string): boolean =>
    rules.proxyLimit > 0 && text.length > rules.proxyLimit && text.includes('"order"')

  return {
    accept(socket) {
      if (!hub) return undefined
      const server = hub
      const connection = server.connect(socket, {
        address: 'simulated',
        identity: null,
        authenticate: async token =>
          (await settings.authenticate?.({ request: {} as never, token })) ?? null,
      })
      const { maxPayload } = settings
      return {
        received(text) {
          if (text.length > maxPayload) ledger.violation(`a frame of ${text.length} bytes`)
          if (isTooLarge(text) || text.length > maxPayload) connection.close(1009, '')
          else connection.received(text, text.length)
        },
        ended: () => server.disconnect(connection),
        ponged: () => connection.ponged(),
      }
    },
    request(request) {
      if (!hub) return undefined
      if (isTooLarge(request.body)) {
        return Promise.resolve({ status: 413, headers: {}, body: '' })
      }
      return answer(hub, request)
    },
    publish(channel) {
      if (!hub) return
      const number = ledger.in.publish(channel)
      const id = rules.sameIds ? { id: `tick ${number}` } : {}
      store.broker.publish(channel, { type: 'tick', data: { number }, ...id })
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
    renew: store.renew,
    failStore: store.fail,
    jump(offsetMs) {
      offset = offsetMs
    },
    forbid(channel) {
      forbidden = channel
    },
    token: user => `${user}|${now() + rules.tokenMs}`,
  }
}
