/** Sockets, polls and a page that do what a test tells them. */
import type { Environment, WebSocketConstructor, WebSocketLike } from '../shared/runtime.ts'
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts'

/** The server's end of one socket, in the hands of the test. */
export interface FakeSocket {
  /** The address that was dialed. */
  readonly url: string
  /** The subprotocols that the client offers. */
  readonly protocols: readonly string[]
  /** The frames that the client wrote, oldest first. */
  readonly sent: unknown[]
  /** The envelopes in them, parsed from JSON. Throws for frames that are no JSON. */
  messages(): Record<string, unknown>[]
  /** 0 CONNECTING, 1 OPEN, 2 CLOSING, 3 CLOSED. */
  readonly readyState: number
  /** How the client closed it, if it did. */
  readonly closedByClient: { readonly code: number; readonly reason: string } | undefined
  /** Listeners that the client still has on it, apart from one that swallows errors. */
  listeners(): number
  /** Bytes that the socket has not handed to the network yet; set it to play a slow one. @default 0 */
  bufferedAmount: number
  /** The handshake succeeds. */
  open(): void
  /** A frame arrives; objects are sent as JSON. Throws before `open()`: no server can do that. */
  receive(frame: unknown): void
  /** The closing handshake has begun: frames written from now on are discarded without an error. */
  beginClose(): void
  /** The link ends, by default with 1006: it broke. */
  close(code?: number, reason?: string): void
  /** The dial fails as a browser tells it. */
  fail(): void
  /** As browsers do with an address that they block: `error`, and nothing more. */
  block(): void
}

/** One HTTP request, in the hands of the test. */
export interface FakeRequest {
  /** The address, as `fetch` got it. */
  readonly url: string
  /** `GET` or `POST`. */
  readonly method: string
  /** The request's headers. */
  readonly headers: Headers
  /** The second argument of `fetch`. */
  readonly init: RequestInit | undefined
  /** The client has given it up. */
  readonly aborted: boolean
  /** `answer()` was called. */
  readonly answered: boolean
  /**
   * Answers: strings, bytes and streams as they are, anything else as JSON, nothing for `undefined`. Status and
   * headers come from `init`; a `Response` is given as it is.
   */
  answer(body: unknown, init?: ResponseInit): void
  /** Ends it without an answer, by default with the `TypeError` of Node's `fetch` without a network. */
  fail(error?: Error): void
}

/** A network, a clock and a page, all in the hands of the test. */
export interface FakeNetwork {
  /** Moves the time of everything here. */
  readonly clock: VirtualClock
  /** For the client's `environment` option. */
  readonly environment: Environment
  /** Every socket dialed so far. */
  readonly sockets: FakeSocket[]
  /** The newest one. Throws if none was dialed. */
  socket(): FakeSocket
  /** Every request made so far. */
  readonly requests: FakeRequest[]
  /** The newest one. Throws if none was made. */
  request(): FakeRequest
  /** Called with each new socket, for scripts such as "always refuse". */
  onDial: (socket: FakeSocket) => void
  /** Called with each new request, for scripts such as "always answer". */
  onRequest: (request: FakeRequest) => void
  /** The next values of `random()`, from 0 to below 1; 0.5 when the list is empty. */
  readonly chance: number[]
  /** The browser's page. */
  readonly page: {
    /** Emits a page event, such as `pageshow`, with the properties of `payload`. */
    emit(event: string, payload?: object): void
    /** Hides or shows the tab, with its `visibilitychange`. */
    setHidden(hidden: boolean): void
    /** Changes `navigator.onLine`, with its `online` or `offline`. */
    setOnline(online: boolean): void
    /** Listeners that the client still has on the page. */
    listeners(): number
  }
}

const createSocketClass = (
  sockets: FakeSocket[],
  dialed: (socket: FakeSocket) => void,
): WebSocketConstructor => {
  // biome-ignore lint/suspicious/noExplicitAny: events of every type pass here
  type Listener = (event: any) => void
  return class implements WebSocketLike {
    readyState = 0
    bufferedAmount = 0
    binaryType = 'blob'
    #listeners = new Map<string, Set<Listener>>()
    #sent: unknown[] = []
    #fake: FakeSocket
    #closed: { code: number; reason: string } | undefined

    constructor(url: string, protocols: string[] = []) {
      const self = this
      const end = (code: number, reason: string): void => {
        if (self.readyState === 3) return
        self.readyState = 3
        self.#emit('close', { code, reason, wasClean: code !== 1006 })
      }
      this.#fake = {
        url,
        protocols,
        sent: self.#sent,
        messages: () => self.#sent.flatMap(frame => JSON.parse(String(frame))),
        get readyState() {
          return self.readyState
        },
        get closedByClient() {
          return self.#closed
        },
        get bufferedAmount() {
          return self.bufferedAmount
        },
        set bufferedAmount(bytes) {
          self.bufferedAmount = bytes
        },
        listeners: () =>
          [...self.#listeners].reduce(
            (sum, [type, { size }]) => sum + (type === 'error' ? 0 : size),
            0,
          ),
        open() {
          self.readyState = 1
          self.#emit('open', {})
        },
        receive(frame) {
          if (self.readyState === 0) throw new Error('receive: the socket is not open yet')
          const asIs = typeof frame === 'string' || frame instanceof ArrayBuffer
          self.#emit('message', { data: asIs ? frame : JSON.stringify(frame) })
        },
        beginClose() {
          self.readyState = 2
        },
        close: (code = 1006, reason = '') => end(code, reason),
        fail() {
          self.#emit('error', {})
          end(1006, '')
        },
        block() {
          self.readyState = 3
          self.#emit('error', {})
        },
      }
      sockets.push(this.#fake)
      dialed(this.#fake)
    }

    #emit(type: string, event: object): void {
      for (const listener of [...(this.#listeners.get(type) ?? [])]) listener({ type, ...event })
    }
    addEventListener(type: string, listener: Listener): void {
      const known = this.#listeners.get(type) ?? new Set()
      this.#listeners.set(type, known.add(listener))
    }
    removeEventListener(type: string, listener: Listener): void {
      this.#listeners.get(type)?.delete(listener)
    }
    send(data: unknown): void {
      if (this.readyState === 0) throw new Error('InvalidStateError: still in CONNECTING state')
      if (this.readyState === 1) this.#sent.push(data)
    }
    close(code = 1005, reason = ''): void {
      if (this.readyState > 1) return
      this.#closed = { code, reason }
      this.readyState = 2
    }
  }
}

/** Statuses whose answers have no body. */
const BODILESS = [204, 205, 304]

const responseOf = (body: unknown, init?: ResponseInit): Response => {
  const asIs = typeof body === 'string' || body instanceof Uint8Array || isStream(body)
  const text = asIs ? (body as BodyInit) : JSON.stringify(body)
  return new Response(BODILESS.includes(init?.status ?? 200) ? null : text, init)
}

const isStream = (body: unknown): body is ReadableStream =>
  typeof (body as ReadableStream | undefined)?.getReader === 'function'

/** A network, a clock and a page of their own for one test. */
export const createFakeNetwork = (): FakeNetwork => {
  const clock = createVirtualClock()
  const sockets: FakeSocket[] = []
  const requests: FakeRequest[] = []
  const chance: number[] = []
  const pageListeners = new Map<string, Set<(event: unknown) => void>>()
  let hidden = false
  let online = true

  const last = <T>(list: readonly T[], what: string): T => {
    const found = list.at(-1)
    if (!found) throw new Error(`No ${what} yet`)
    return found
  }

  const fakeFetch = (url: string | URL | Request, init?: RequestInit): Promise<Response> =>
    new Promise((resolve, reject) => {
      const signal = init?.signal
      let answered = false
      signal?.addEventListener('abort', () => reject(signal.reason))
      const request: FakeRequest = {
        url: String(url),
        method: init?.method ?? 'GET',
        headers: new Headers(init?.headers),
        init,
        get aborted() {
          return signal?.aborted ?? false
        },
        get answered() {
          return answered
        },
        answer(body, responseInit) {
          answered = true
          resolve(body instanceof Response ? body : responseOf(body, responseInit))
        },
        fail: (error = new TypeError('fetch failed')) => reject(error),
      }
      requests.push(request)
      network.onRequest(request)
    })

  const network: FakeNetwork = {
    clock,
    sockets,
    requests,
    chance,
    socket: () => last(sockets, 'socket'),
    request: () => last(requests, 'request'),
    onDial: () => {},
    onRequest: () => {},
    environment: {
      WebSocket: createSocketClass(sockets, socket => network.onDial(socket)),
      fetch: fakeFetch as typeof fetch,
      now: clock.now,
      monotonicNow: clock.monotonicNow,
      random: () => chance.shift() ?? 0.5,
      setTimeout: clock.setTimeout,
      clearTimeout: clock.clearTimeout,
      page: {
        on(event, listener) {
          const known = pageListeners.get(event) ?? new Set()
          pageListeners.set(event, known.add(listener))
          return () => void known.delete(listener)
        },
        hidden: () => hidden,
        online: () => online,
      },
    },
    page: {
      emit(event, payload = {}) {
        for (const listener of [...(pageListeners.get(event) ?? [])])
          listener({ type: event, ...payload })
      },
      setHidden(now) {
        hidden = now
        network.page.emit('visibilitychange')
      },
      setOnline(now) {
        online = now
        network.page.emit(now ? 'online' : 'offline')
      },
      listeners: () => [...pageListeners.values()].reduce((sum, { size }) => sum + size, 0),
    },
  }
  return network
}
