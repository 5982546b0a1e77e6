/** Upgrades to a WebSocket: origin, limits and token, and either a connection or the reason why not. */
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Identity, ServerSettings } from '../options.ts'
import { addressOf } from './address.ts'
import type { Deadlines } from './deadlines.ts'
import { bearerOf, isAllowedOrigin, type RequestRefusal, refuseOrigin } from './origin-check.ts'

export interface UpgradeDeps {
  readonly settings: ServerSettings
  readonly deadlines: Deadlines
  isDraining(): boolean
  /** Resolves to the identity of a token, and to `null` for one that is refused. */
  authenticate(request: IncomingMessage, token: string): Promise<Identity | null>
  /** A WebSocket is open. */
  onOpen(webSocket: WebSocket, request: IncomingMessage, identity: Identity | null): void
  /** Something failed: the request is answered with 503. */
  onError(error: unknown): void
}

export interface Upgrades {
  /** Answers an upgrade to this server's path. */
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Answers an upgrade with a refusal. The socket is destroyed soon, whether the client reads the answer or not. */
  refuse(socket: Duplex, refusal: RequestRefusal): void
  end(): void
}

/** How long a client may take to read the answer to a refused upgrade. */
const REFUSAL_GRACE_MS = 500

/** Small fragments and chunks without end would fill the memory below any limit of bytes. */
const LIMITS = { maxFragments: 1024, maxBufferedChunks: 4096 }

const DRAINING: RequestRefusal = {
  status: 503,
  reason: 'The server is leaving',
  retryAfterSeconds: 5,
}

/** Sockets that are a connection, or may become one: in all, and by address. */
const createSocketCounts = () => {
  const addresses = new Map<string, number>()
  let total = 0
  const add = (address: string, by: 1 | -1): void => {
    total += by
    const count = (addresses.get(address) ?? 0) + by
    if (count) addresses.set(address, count)
    else addresses.delete(address)
  }
  return {
    total: () => total,
    of: (address: string) => addresses.get(address) ?? 0,
    /** Counts a socket until it is closed. */
    add(socket: Duplex, address: string): void {
      add(address, 1)
      socket.once('close', () => add(address, -1))
    },
  }
}

/** The subprotocol for a client. Only a declared one is sent back, and none is logged: it may be a secret. */
const selectProtocol = (
  { protocols, logger }: ServerSettings,
  offered: ReadonlySet<string>,
): string | false => {
  const selected = [...offered].find(name => protocols.includes(name))
  if (selected !== undefined) return selected
  logger.warn?.(
    `A client offers subprotocols (${offered.size}), and protocols (${protocols.join(', ')}) has none of them: Chromium, for one, fails such a connection. Declare the one to select in protocols`,
  )
  return false
}

/** Writes the answer to a refused upgrade, and ends its socket. */
const writeRefusal = (
  socket: Duplex,
  { status, reason, retryAfterSeconds }: RequestRefusal,
): void => {
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    'X-Content-Type-Options: nosniff',
    `Content-Length: ${Buffer.byteLength(reason)}`,
    ...(retryAfterSeconds ? [`Retry-After: ${retryAfterSeconds}`] : []),
  ]
  // Node does not listen to it any more, and a reset by the client must not end the process.
  socket.on('error', () => {})
  socket.once('finish', () => socket.destroy())
  socket.end(`${lines.join('\r\n')}\r\n\r\n${reason}`)
}

export const createUpgrades = (deps: UpgradeDeps): Upgrades => {
  const { settings, deadlines } = deps
  const counts = createSocketCounts()
  const webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: settings.maxPayload,
    perMessageDeflate: false,
    handleProtocols: offered => selectProtocol(settings, offered),
    ...LIMITS,
  })

  const refusalOf = (request: IncomingMessage, address: string): RequestRefusal | undefined => {
    const { origin } = request.headers
    const allowed =
      origin === undefined ? settings.allowMissingOrigin : isAllowedOrigin(settings, origin)
    if (!allowed) return refuseOrigin(settings, origin, 'This origin may not connect')
    if (deps.isDraining()) return DRAINING
    if (counts.total() >= settings.maxConnections) {
      return { status: 503, reason: 'The server is full', retryAfterSeconds: 30 }
    }
    if (counts.of(address) >= settings.maxConnectionsPerAddress) {
      const reason = 'Too many connections from this address'
      return { status: 429, reason, retryAfterSeconds: 30 }
    }
    return undefined
  }

  const refuse = (socket: Duplex, refusal: RequestRefusal): void => {
    deadlines.destroy(socket, REFUSAL_GRACE_MS)
    writeRefusal(socket, refusal)
  }

  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const ignoreError = (): void => {}
    socket.on('error', ignoreError)
    const address = addressOf(settings, request)
    const refusal = refusalOf(request, address)
    if (refusal) return refuse(socket, refusal)
    // From here on it counts for the limits, so that nobody gets past them by waiting for `authenticate`.
    counts.add(socket, address)
    const cancel = deadlines.destroy(socket, settings.authTimeoutMs + REFUSAL_GRACE_MS)
    const token = bearerOf(request)
    let identity: Identity | null = null
    if (settings.authenticate && token) {
      identity = await deps.authenticate(request, token)
      if (deps.isDraining()) return refuse(socket, DRAINING)
      if (!identity) return refuse(socket, { status: 401, reason: 'This token was refused' })
    }
    if (socket.destroyed) return
    webSockets.handleUpgrade(request, socket, head, webSocket => {
      cancel()
      socket.off('error', ignoreError)
      deps.onOpen(webSocket, request, identity)
    })
  }

  return {
    handle(request, socket, head) {
      upgrade(request, socket, head).catch(error => {
        deps.onError(error)
        refuse(socket, { status: 503, reason: 'Try again', retryAfterSeconds: 5 })
      })
    },
    refuse,
    end: () => webSockets.close(),
  }
}
