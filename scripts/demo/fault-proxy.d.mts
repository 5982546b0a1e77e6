/** A TCP proxy that breaks connections the way networks do. */

/** Which way bytes travel: `up` from the client to the server, `down` back. Naming none means both. */
export interface Ways {
  up?: boolean
  down?: boolean
}

export interface FaultProxyOptions {
  target: { host: string; port: number }
  /** Where to listen. @default '127.0.0.1' */
  host?: string
  /** `0` picks a free one. @default 0 */
  port?: number
}

export interface FaultProxy {
  readonly port: number
  /** Client connections that are open now. */
  readonly connections: number
  /** Client connections taken since the start. */
  readonly accepted: number
  /** The proxy's WebSocket URL for a path: `ws://127.0.0.1:PORT/path`. */
  url(path?: string): string

  /** Destroys both sides of every connection, without a closing handshake. Returns how many it hit. */
  cut(): number
  /** Ends both sides of every connection with a FIN, as a proxy does that is shut down in order. */
  fin(): number
  /** Ends both sides of every connection with a RST. */
  rst(): number

  /**
   * Lets nothing through, neither bytes nor the end of a connection, while the TCP connections stay
   * open; new ones are taken and lead nowhere. As on a real dead link, what is sent meanwhile waits in
   * the sender's TCP and arrives, late and in order, after `heal()`. With `swallow` it is read and
   * thrown away instead, and a connection that lost bytes that way is reset by `heal()`, since no TCP
   * stream goes on with a hole in it.
   */
  blackhole(ways?: Ways & { swallow?: boolean }): void
  /** Every byte arrives so many ms later, in order. */
  delay(ms: number, ways?: Ways): void
  /** No more than so many bytes a second, for each connection and way. */
  throttle(bytesPerSecond: number, ways?: Ways): void
  /** Ends black hole, delay and throttle; what they held goes on at once, in order. */
  heal(): void

  /** Stops listening, so that new connections are refused. Those that are open stay. */
  refuse(): Promise<void>
  /** Takes new connections and never answers them. */
  hang(): void
  /** Answers requests to upgrade with an HTTP status; other HTTP, and what is open, goes through. */
  rejectUpgrade(status: number): void
  /** Ends refuse, hang and rejectUpgrade: new connections go through again. */
  resume(): Promise<void>

  /** The end: no socket and no timer is left. Idempotent. */
  close(): Promise<void>
}

export declare const createFaultProxy: (options: FaultProxyOptions) => Promise<FaultProxy>
