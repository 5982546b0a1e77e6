/**
 * The one door to the outside: clock, timers, chance, WebSocket, fetch and page events.
 * Globals are looked up when they are needed, never at import, so that fakes and
 * server-side rendering work.
 */

/** What the client needs of a WebSocket: the browser's, Node's or the one of `ws`. */
export interface WebSocketLike {
  readonly readyState: number
  readonly bufferedAmount: number
  binaryType: string
  // biome-ignore lint/suspicious/noExplicitAny: every implementation types its own events
  addEventListener(type: string, listener: (event: any) => void): void
  // biome-ignore lint/suspicious/noExplicitAny: as above
  removeEventListener(type: string, listener: (event: any) => void): void
  // biome-ignore lint/suspicious/noExplicitAny: implementations accept different binary types
  send(data: any): void
  close(code?: number, reason?: string): void
}

/** A constructor of such sockets. */
export type WebSocketConstructor = new (url: string, protocols?: string[]) => WebSocketLike

/** Where `online`, `visibilitychange`, `pageshow`, ... come from. */
export interface PageEvents {
  /** Listens to an event of the window or the document. Returns what stops it. */
  on(event: string, listener: (event: unknown) => void): () => void
  /** True while nobody sees the page. */
  hidden(): boolean
  /** False only if the machine says that it is offline; true proves nothing. */
  online(): boolean
  /** The page's own address, which relative ones are relative to. @default globalThis.location */
  readonly location?: { readonly href: string; readonly protocol: string } | undefined
}

/** Everything the client takes from the runtime. Replace any part of it, in tests for example. */
export interface Environment {
  /** Absent where the runtime has none (Node before 22). */
  readonly WebSocket: WebSocketConstructor | undefined
  /** Absent where the runtime has none. */
  readonly fetch: typeof fetch | undefined
  /** Milliseconds since the epoch. May jump. */
  now(): number
  /** Milliseconds from any start. Never goes back, but may stand still while the machine sleeps. */
  monotonicNow(): number
  /** Even between 0 and 1. */
  random(): number
  /**
   * Fills the array with random bytes that nobody can guess: `crypto`'s. Absent where the runtime has none (React
   * Native): then ids of messages come from `random`, and a server that speaks protocol v1 ends the client in ERROR.
   */
  readonly getRandomValues?: ((bytes: Uint8Array<ArrayBuffer>) => unknown) | undefined
  setTimeout(run: () => void, delayMs: number): unknown
  clearTimeout(handle: unknown): void
  readonly page: PageEvents
}

/** Where there is no page, and nothing to hear of it. */
export const noPage: PageEvents = { on: () => () => {}, hidden: () => false, online: () => true }

/** The page's own address, if there is a page. */
export const locationOf = ({ page }: Pick<Environment, 'page'>): PageEvents['location'] =>
  page.location ?? globalThis.location

const browserPage = (): PageEvents => {
  // A worker has no window and no document, and hears everything itself.
  const { window, document, addEventListener } = globalThis as Partial<typeof globalThis>
  if (!window?.addEventListener && !addEventListener) return noPage
  const scope = window?.addEventListener ? window : globalThis
  return {
    on(event, listener) {
      const onDocument = document?.addEventListener && /^(visib|freeze|resume|security)/.test(event)
      const target = onDocument ? document : scope
      target.addEventListener(event, listener)
      return () => target.removeEventListener?.(event, listener)
    },
    hidden: () => globalThis.document?.visibilityState === 'hidden',
    online: () => globalThis.navigator?.onLine !== false,
  }
}

/** The runtime's own parts, with yours in their place. */
export const resolveEnvironment = (given: Partial<Environment> = {}): Environment => ({
  get WebSocket() {
    return globalThis.WebSocket as unknown as WebSocketConstructor | undefined
  },
  get fetch() {
    return globalThis.fetch?.bind(globalThis)
  },
  get getRandomValues() {
    const { crypto } = globalThis as Partial<typeof globalThis>
    return crypto?.getRandomValues?.bind(crypto)
  },
  now: () => Date.now(),
  monotonicNow: () => performance.now(),
  random: () => Math.random(),
  setTimeout: (run, delayMs) => globalThis.setTimeout(run, delayMs),
  clearTimeout: handle => globalThis.clearTimeout(handle as number),
  page: given.page ?? browserPage(),
  // What is absent on purpose stays so; anything else that is undefined was not given.
  ...Object.fromEntries(
    Object.entries(given).filter(
      ([name, part]) => part !== undefined || /^(WebSocket|fetch|getRandomValues)$/.test(name),
    ),
  ),
})
