/** A network between one client and one server, with everything that goes wrong between them. */
import type { WebSocketConstructor, WebSocketLike } from '../../src/index.ts'
import type { ServerSocket } from '../../src/server/outgoing.ts'
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'

/** What the network finds at the other end. */
export interface Far {
  /** A connection comes in; `undefined`: nobody listens. */
  accept(socket: ServerSocket): FarEnd | undefined
  /** A request comes in; `undefined`: nobody listens. */
  request(request: HttpRequest): Promise<HttpAnswer> | undefined
}

/** The server's ears on one connection. */
export interface FarEnd {
  received(text: string): void
  ended(): void
  ponged(): void
}

export interface HttpRequest {
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string>
  readonly body: string
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: string
}

/** How the network is at the moment. */
export interface Weather {
  /** Milliseconds of one way, at least and at most. */
  latency: readonly [number, number]
  /** Dials fail. */
  blocked: boolean
  /** Dials hang. */
  hangs: boolean
  /** HTTP: the share of requests that never arrive, of answers that never do, and of requests that come late. */
  lostRequests: number
  lostAnswers: number
  lateRequests: number
}

export interface Network {
  readonly weather: Weather
  readonly WebSocket: WebSocketConstructor
  readonly fetch: typeof fetch
  /** Links that both ends or one of them still believe in. */
  live(): readonly Link[]
  /** Runs what reaches the client; held back while it is frozen. */
  toClient: (run: () => void) => void
  /** Sockets on which the client still listens. */
  listeners(): number
  /** Requests that the client still waits for. */
  requests(): number
  dials: number
}

export interface Link {
  /** Frames of this direction vanish without a word. */
  hole(direction: 'up' | 'down'): void
  /** The connection breaks; both ends hear of it. */
  cut(): void
  /** The server's machine is gone; `silent`: and nobody tells the client. */
  vanish(silent: boolean): void
}

type Listener = (event: never) => void

export const createNetwork = (clock: Clock, chance: Chance, far: Far): Network => {
  const weather: Weather = {
    latency: [1, 20],
    blocked: false,
    hangs: false,
    lostRequests: 0,
    lostAnswers: 0,
    lateRequests: 0,
  }
  const links = new Set<Link>()
  const latency = (): number => chance.whole(...weather.latency)
  let listening = 0
  let requesting = 0

  /** One direction: what is handed over arrives in its order, or not at all. */
  const createPipe = (): {
    open: boolean
    holed: boolean
    carry(run: () => void): void
  } => {
    let last = 0
    const pipe = {
      open: true,
      holed: false,
      carry(run: () => void) {
        if (pipe.holed) return
        last = Math.max(last, clock.now() + latency())
        clock.after(last - clock.now(), () => {
          if (pipe.open && !pipe.holed) run()
        })
      },
    }
    return pipe
  }

  class Socket implements WebSocketLike {
    readyState = 0
    bufferedAmount = 0
    binaryType = 'blob'
    readonly #listeners = new Map<string, Set<Listener>>()
    readonly #up = createPipe()
    readonly #down = createPipe()
    #far: FarEnd | undefined
    #farOpen = false

    constructor() {
      network.dials++
      if (weather.hangs) return
      this.#up.carry(() => {
        // The answer to the handshake goes before the server's first frame.
        let accepted = false
        this.#down.carry(() =>
          this.#toClient(() => {
            if (this.readyState !== 0) return
            if (accepted) {
              this.readyState = 1
              this.#emit('open', {})
            } else this.#end(1006)
          }),
        )
        accepted = !weather.blocked && this.#connect() !== undefined
      })
    }

    #toClient(run: () => void): void {
      network.toClient(run)
    }

    #connect(): FarEnd | undefined {
      const farClose = (code: number): void => {
        if (!this.#farOpen) return
        this.#farOpen = false
        this.#down.carry(() => {
          this.#toClient(() => this.#end(code))
          // The closing handshake, as `ws` waits for it.
          this.#up.carry(() => this.#farEnded())
        })
      }
      const socket: ServerSocket = {
        bufferedAmount: 0,
        isOpen: () => this.#farOpen,
        send: text => {
          if (!this.#farOpen) return
          this.#down.carry(() =>
            this.#toClient(() => {
              if (this.readyState === 1) this.#emit('message', { data: text })
            }),
          )
        },
        // A browser answers by itself.
        ping: () => this.#down.carry(() => this.#up.carry(() => this.#far?.ponged())),
        close: farClose,
        terminate: () => {
          this.#farOpen = false
          this.#down.carry(() => this.#toClient(() => this.#end(1006)))
          this.#farEnded()
        },
      }
      this.#farOpen = true
      this.#far = far.accept(socket)
      if (this.#far) links.add(this.#link)
      else this.#farOpen = false
      return this.#far
    }

    readonly #link: Link = {
      hole: direction => {
        const pipe = direction === 'up' ? this.#up : this.#down
        pipe.holed = true
      },
      cut: () => {
        this.#up.open = this.#down.open = false
        clock.after(latency(), () => this.#farEnded())
        clock.after(latency(), () => this.#toClient(() => this.#end(1006)))
      },
      vanish: silent => {
        this.#up.open = this.#down.open = this.#farOpen = false
        this.#far = undefined
        links.delete(this.#link)
        if (!silent) clock.after(latency(), () => this.#toClient(() => this.#end(1006)))
      },
    }

    #farEnded(): void {
      this.#farOpen = false
      links.delete(this.#link)
      const end = this.#far
      this.#far = undefined
      end?.ended()
    }

    #end(code: number): void {
      if (this.readyState === 3) return
      this.readyState = 3
      this.#emit('close', { code, reason: '', wasClean: code !== 1006 })
    }

    #emit(type: string, event: object): void {
      for (const listener of [...(this.#listeners.get(type) ?? [])])
        listener({ type, ...event } as never)
    }

    addEventListener(type: string, listener: Listener): void {
      const known = this.#listeners.get(type) ?? new Set()
      if (type !== 'error' && !known.has(listener)) listening++
      this.#listeners.set(type, known.add(listener))
    }

    removeEventListener(type: string, listener: Listener): void {
      if (this.#listeners.get(type)?.delete(listener) && type !== 'error') listening--
    }

    send(text: string): void {
      if (this.readyState !== 1) return
      this.#up.carry(() => this.#far?.received(text))
    }

    close(): void {
      if (this.readyState > 1) return
      this.readyState = 2
      this.#up.carry(() => this.#farEnded())
    }
  }

  const fetching = (url: string, init: RequestInit = {}): Promise<unknown> =>
    new Promise((resolve, reject) => {
      requesting++
      let waiting = true
      const settle = (run: () => void): void => {
        if (!waiting) return
        waiting = false
        requesting--
        run()
      }
      const { signal } = init
      signal?.addEventListener('abort', () => settle(() => reject(signal.reason)))
      if (chance.maybe(weather.lostRequests)) return
      const loses = chance.maybe(weather.lostAnswers)
      const late = chance.maybe(weather.lateRequests) ? chance.whole(200, 8000) : 0
      clock.after(latency() + late, () => {
        const request = {
          method: init.method ?? 'GET',
          url,
          headers: init.headers as Record<string, string>,
          body: String(init.body ?? ''),
        }
        const answering = far.request(request)
        const fails = (): void => settle(() => reject(new TypeError('fetch failed')))
        if (!answering) {
          clock.after(latency(), () => network.toClient(fails))
          return
        }
        answering.then(({ status, headers, body }) => {
          if (loses) return
          const response = {
            ok: status >= 200 && status < 300,
            status,
            headers: { get: (name: string) => headers[name] ?? null },
            json: async () => JSON.parse(body) as unknown,
          }
          clock.after(latency(), () => network.toClient(() => settle(() => resolve(response))))
        })
      })
    })

  const network: Network = {
    weather,
    WebSocket: Socket as unknown as WebSocketConstructor,
    fetch: fetching as unknown as typeof fetch,
    live: () => [...links],
    toClient: run => run(),
    listeners: () => listening,
    requests: () => requesting,
    dials: 0,
  }
  return network
}
