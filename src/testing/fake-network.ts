/** Sockets, polls and a page that do what a test tells them. */
import type { Environment, WebSocketConstructor, WebSocketLike } from '../shared/runtime.ts'
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts'

/** The far end of one socket, in the hands of the test. */
export interface FakeSocket {
  readonly url: string
  readonly protocols: readonly string[]
  /** What the client wrote, oldest first. */
  readonly sent: unknown[]
  /** What the client wrote, parsed. */
  messages(): Record<string, unknown>[]
  /** 0 CONNECTING, 1 OPEN, 2 CLOSING, 3 CLOSED. */
  readonly readyState: number
  /** How the client closed it, if it did. */
  readonly closedByClient: { readonly code: number; readonly reason: string } | undefined
  /** Listeners that the client still has on it, apart from one that swallows errors. */
  listeners(): number
  bufferedAmount: number
  /** The handshake succeeds. */
  open(): void
  /** A frame arrives; objects are sent as JSON. Throws before `open()`: no server can do that. */
  receive(frame: unknown): void
  /** The closing handshake has begun: what is sent now is discarded without a word. */
  beginClose(): void
  /** The link ends. */
  close(code?: number, reason?: string): void
  /** The dial fails as a browser tells it. */
  fail(): void
  /** As browsers do with what they block: `error`, and nothing more. */
  block(): void
}

export interface FakeRequest {
  readonly url: string
  readonly method: string
  readonly headers: Headers
  readonly init: RequestInit | undefined
  readonly aborted: boolean
  readonly answered: boolean
  /**
   * Answers: strings, bytes and streams as they are, anything else as JSON, nothing for `undefined`. Status and
   * headers come from `init`; a `Response` is given as it is, for what `init` cannot say.
   */
  answer(body: unknown, init?: ResponseInit): void
  fail(error?: Error): void
}

export interface FakeNetwork {
  readonly clock: VirtualClock
  /** For the client's `environment` option. */
  readonly environment: Environment
  /** Every socket dialed so far. */
  readonly sockets: FakeSocket[]
  /** The newest one. Throws if none was dialed. */
  socket(): FakeSocket
  /** Every request made so far. */
  readonly requests: FakeRequest[]
  request(): FakeRequest
  /** Called with each new socket, for scripts such as "always refuse". */
  onDial: (socket: FakeSocket) => void
  onRequest: (request: FakeRequest) => void
  /** What the next draws of chance are; 0.5 when the list is empty. */
  readonly chance: number[]
  readonly page: {
    emit(event: string, payload?: object): void
    setHidden(hidden: boolean): void
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
