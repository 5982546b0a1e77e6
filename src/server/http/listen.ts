/** The http.Server of a server: its own or an application's, until it listens and until it is closed. */
import { once } from 'node:events'
import { createServer as createHttpServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ServerSettings } from '../options.ts'

export interface HttpListener {
  readonly http: Server
  /**
   * Resolves when it listens; rejects if the port is taken. An application's own server is only made to listen where a port was
   * given (`mayListen`), and waited for otherwise.
   */
  listen(mayListen: boolean): Promise<void>
  /** The address that it listens on; '' for a pipe, or before it listens. */
  boundAddress(): string
  /** The port that it listens on, and the URL of WebSockets. */
  where(): { readonly port: number; readonly url: string }
  /** Closes the server and all its connections; without effect for an application's own. */
  close(): Promise<void>
}

const MAX_HEADER_BYTES = 16_384

const createOwnServer = (settings: ServerSettings): Server => {
  const requestTimeout = Math.ceil(settings.requestTimeoutMs)
  const http = createHttpServer({
    headersTimeout: Math.min(requestTimeout, 10_000),
    requestTimeout,
    connectionsCheckingInterval: Math.min(Math.ceil(requestTimeout / 3), 5000),
    maxHeaderSize: MAX_HEADER_BYTES,
    // Node's default of 5 s is just the time between two polls: the next one would meet a connection that closes.
    keepAliveTimeout: 65_000,
  })
  // For a client that reads nothing, also of answers that have no deadline (404).
  http.setTimeout(Math.ceil(settings.answerTimeoutMs))
  return http
}

export const createHttpListener = (settings: ServerSettings): HttpListener => {
  const isOwn = !settings.server
  const http = settings.server ?? createOwnServer(settings)
  /** Settles when our own server listens, or cannot. */
  let binding: Promise<unknown> | undefined

  return {
    http,
    async listen(mayListen) {
      const listening = once(http, 'listening')
      if (isOwn) binding = listening
      if (isOwn || mayListen) http.listen(settings.port, settings.host)
      await listening
    },
    boundAddress: () => (http.address() as AddressInfo | null)?.address ?? '',
    where() {
      const { port, address } = http.address() as AddressInfo
      const isAny = address === '0.0.0.0' || address === '::'
      const host = isAny ? 'localhost' : address.includes(':') ? `[${address}]` : address
      return { port, url: `ws://${host}:${port}${settings.path}` }
    },
    async close() {
      if (!isOwn) return
      await binding?.catch(() => {})
      if (!http.listening) return
      const closed = once(http, 'close')
      http.close()
      http.closeAllConnections()
      await closed
    },
  }
}
