/** A network between one client and one server, with everything that goes wrong between them. */
import type { WebSocketConstructor, WebSocketLike } from '../../src/index.ts'
import type { ServerSocket } from '../../src/server/connection/server-socket.ts'
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'
import { createFetch, type HttpAnswer, type HttpRequest, type HttpWeather } from './http.ts'

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

/** How the network is at the moment. */
export interface Weather extends HttpWeather {
  /** Milliseconds of one way, at least and at most. */
  latency: readonly [number, number]
  /** Dials fail. */
  blocked: boolean
  /** Dials hang. */
  hangs: boolean
  /** The server's first frame comes so much later than the connection opens, at most, ms. */
  slowStartMs: number
  /** What is sent stays in the buffers of both ends. */
  clogged: boolean
}

/** What the wire shows of the client. */
export interface Tap {
  /** The client is about to hear that a connection is open. */
  opened(link: object): void
  /** A frame, or the body of a POST. `link` stands for the connection or the request. */
  written(text: string, link: object): void
  /** The server hands a frame to its socket. */
  answered(text: string, link: Link): void
  /** A frame reaches the client. */
  heard(text: string, link: object): void
  violation(words: string): void
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
  /** The fetch does not hear that its request is aborted. */
  deaf: boolean
  /** What the answers to requests asked for (`Retry-After`) does not count any more. */
  rest(): void
}

export interface Link {
  /** Frames of this direction vanish without a word. */
  hole(direction: 'up' | 'down'): void
  /** The connection breaks; both ends hear of it. */
  cut(): void
  /** The server has not closed it. */
  isOpen(): boolean
  /** The server's machine is gone; `silent`: and nobody tells the client. */
  vanish(silent: boolean): void
}

type Listener = (event: never) => void

/** Nothing goes wrong. */
export const FAIR: Weather = {
  latency: [1, 20],
  blocked: false,
  hangs: false,
  slowStartMs: 0,
  clogged: false,
  lostRequests: 0,
  lostAnswers: 0,
  lateRequests: 0,
  lateAnswers: 0,
  refusals: 0,
}

/** More than any client or server lets pile up. */
const CLOGGED_BYTES = 2_000_000

export const createNetwork = (clock: Clock, chance: Chance, far: Far, tap: Tap): Network => {
  const weather: Weather = { ...FAIR }
  const links = new Set<Link>()
  const latency = (): number => chance.whole(...weather.latency)
  let listening = 0

  /** One direction: what is handed over arrives in its order, or not at all. */
  const createPipe = (): {
    open: boolean
    holed: boolean
    carry(run: () => void): void
    /** What comes next comes so much later. */
    hold(ms: number): void
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
      hold(ms: number) {
        last = Math.max(last, clock.now()) + ms
      },
    }
    return pipe
  }

  class Socket implements WebSocketLike {
    readyState = 0
    binaryType = 'blob'
    readonly #listeners = new Map<string, Set<Listener>>()
    readonly #up = createPipe()
    readonly #down = createPipe()
    #far: FarEnd | undefined
    #farOpen = false

    get bufferedAmount(): number {
      return weather.clogged ? CLOGGED_BYTES : 0
    }

    constructor() {
      if (weather.hangs) return
      this.#up.carry(() => {
        // The answer to the handshake goes before the server's first frame.
        let accepted = false
        this.#down.carry(() =>
          this.#toClient(() => {
            if (this.readyState !== 0) return
            if (accepted) {
              this.readyState = 1
              tap.opened(this.#link)
              this.#emit('open', {})
            } else this.#end(1006)
          }),
        )
        if (weather.slowStartMs) this.#down.hold(chance.whole(0, weather.slowStartMs))
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
        get bufferedAmount() {
          return weather.clogged ? CLOGGED_BYTES : 0
        },
        isOpen: () => this.#farOpen,
        send: frame => {
          if (!this.#farOpen) return
          const text = String(frame)
          tap.answered(text, this.#link)
          this.#down.carry(() =>
            this.#toClient(() => {
              if (this.readyState !== 1) return
              tap.heard(text, this.#link)
              this.#emit('message', { data: text })
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
      isOpen: () => this.#farOpen,
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
      if (weather.clogged && text.includes('"seq"')) tap.violation('written into a full buffer')
      tap.written(text, this.#link)
      this.#up.carry(() => this.#far?.received(text))
    }

    close(): void {
      if (this.readyState > 1) return
      this.readyState = 2
      this.#up.carry(() => this.#farEnded())
    }
  }

  const http = createFetch({
    clock,
    chance,
    weather,
    latency,
    answer: far.request,
    toClient: run => network.toClient(run),
    isDeaf: () => network.deaf,
    tap,
  })

  const network: Network = {
    weather,
    WebSocket: Socket as unknown as WebSocketConstructor,
    fetch: http.fetch,
    live: () => [...links],
    toClient: run => run(),
    listeners: () => listening,
    requests: http.waiting,
    deaf: false,
    rest: http.rest,
  }
  return network
}
