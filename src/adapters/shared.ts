/**
 * One client for each URL, shared by everything on a page that asks for it. The list of them is the only state of a
 * module in this library: a hook, a panel and a list that know nothing of each other have to meet somewhere.
 */
import {
  createResilientWebSocket,
  DEFAULTS,
  type Environment,
  type ResilientWebSocket,
  type ResilientWebSocketOptions,
} from 'resilient-websocket'

/** What every adapter takes beside the client's options. */
export interface ShareOptions<Incoming, Outgoing>
  extends ResilientWebSocketOptions<Incoming, Outgoing> {
  /**
   * Everything that names the same `url` uses one connection; the options of the first one count. A `url` that is a
   * function is the same if it is the same function. `false`: a connection of its own. @default true
   */
  share?: boolean
  /** A client of yours to use. It is never connected, disconnected or closed by an adapter. @default none */
  socket?: ResilientWebSocket<Incoming, Outgoing>
}

/** One client and those who use it. */
export interface Entry<Incoming = unknown, Outgoing = unknown> {
  readonly socket: ResilientWebSocket<Incoming, Outgoing>
  readonly url: unknown
  readonly environment: Partial<Environment> | undefined
  /** `false` after it was closed: then it is of no use any more. */
  alive: boolean
  /** Uses it until the function that this returns is called. `connects`: it has to be connected. */
  hold(connects: boolean): () => void
}

/** Clients on this page. */
const entries = new Set<Entry<never, never>>()

/** A client that was asked for while rendering and never used, as a rendering may be thrown away. */
const UNUSED_MS = 10_000

/** There is a page: on a server nothing is shared between requests, and nothing connects. */
export const isBrowser = (): boolean => typeof window !== 'undefined'

const urlOf = (url: unknown): unknown =>
  typeof url === 'function' ? url : String(url ?? DEFAULTS.url)

/** True if the entry is what these options ask for. An inline function names no other URL than the one before. */
export const fits = <I, O>(entry: Entry<I, O>, { url, environment }: ShareOptions<I, O>): boolean =>
  entry.alive &&
  entry.environment === environment &&
  (typeof url === 'function' ? typeof entry.url === 'function' : entry.url === urlOf(url))

const create = <I, O>(options: ShareOptions<I, O>, shared: boolean): Entry<I, O> => {
  const { share: _share, socket: _socket, ...clientOptions } = options
  let users = 0
  let connecting = 0
  let wasConnecting = false
  let timer: ReturnType<typeof setTimeout> | undefined

  const close = (): void => {
    entry.alive = false
    entries.delete(entry as never)
    entry.socket.close()
  }

  const settle = (): void => {
    if (!users) return close()
    if (wasConnecting && !connecting) entry.socket.disconnect()
    wasConnecting = connecting > 0
  }

  // One macrotask later: what unmounts and mounts again at once (StrictMode, fast refresh, a move) changes nothing.
  const later = (delayMs: number): void => {
    clearTimeout(timer)
    timer = setTimeout(settle, delayMs)
    ;(timer as { unref?: () => void }).unref?.()
  }

  const entry: Entry<I, O> = {
    socket: createResilientWebSocket<I, O>({ ...clientOptions, enabled: false }),
    url: urlOf(options.url),
    environment: options.environment,
    alive: true,
    hold(connects) {
      users++
      if (connects && !connecting++ && !wasConnecting) {
        wasConnecting = true
        entry.socket.connect()
      }
      clearTimeout(timer)
      let held = true
      return () => {
        if (!held) return
        held = false
        users--
        if (connects) connecting--
        later(0)
      }
    },
  }
  if (shared) entries.add(entry as never)
  if (isBrowser()) later(UNUSED_MS)
  return entry
}

/** The client that these options ask for; a new one where there is none. It is not connected yet. */
export const obtain = <I, O>(options: ShareOptions<I, O>): Entry<I, O> => {
  const { share = true } = options
  if (!share || !isBrowser()) return create(options, false)
  for (const entry of entries) {
    const same = typeof options.url !== 'function' || entry.url === options.url
    if (same && fits(entry as never, options)) return entry as never
  }
  return create(options, true)
}
