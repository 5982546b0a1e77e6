/** Who may come in: origins, limits, and the answers to those who may not. */
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { forLog } from '../logging.ts'
import type { ServerSettings } from '../options.ts'
import { howToAllow } from '../origin.ts'
import { isLoopback, nameIn } from './address.ts'

/** A refusal: what the client is told by HTTP. */
export interface Refusal {
  readonly status: number
  readonly words: string
  readonly retryAfterSeconds?: number
}

export const LEAVING: Refusal = {
  status: 503,
  words: 'The server is leaving',
  retryAfterSeconds: 5,
}

/** True for a page on the list. A missing Origin is the caller's to judge. */
export const isAllowedOrigin = (settings: ServerSettings, origin: string): boolean =>
  settings.allowedOrigins.includes(origin.toLowerCase())

/** Logs that a client may not do something for its Origin, and gives what it is told. */
export const refuseOrigin = (
  { logger }: ServerSettings,
  origin: string | undefined,
  words: string,
): Refusal => {
  const help = howToAllow(origin)
  logger.warn?.(`Blocked connection from unauthorized origin: ${forLog(origin ?? 'none')}. ${help}`)
  return { status: 403, words: `${words}. ${help}` }
}

/**
 * Why a request without an Origin may not be answered, if it may not. A page of a foreign site whose name has been
 * pointed to this machine asks in that name, and a browser takes the server for the page's own.
 */
export const foreignHost = (
  settings: ServerSettings,
  request: IncomingMessage,
  boundTo: string,
): Refusal | undefined => {
  const { host } = request.headers
  // A browser always sends it; a proxy of this machine passes on the name that is known outside.
  if (host === undefined || settings.trustProxy || !isLoopback(boundTo)) return undefined
  const name = nameIn(host)
  const isKnown = (origin: string): boolean => nameIn(origin.split('://')[1] ?? '') === name
  if (name && (isLoopback(name) || settings.allowedOrigins.some(isKnown))) return undefined
  settings.logger.warn?.(`Blocked a request for a foreign host: ${forLog(host)}`)
  const words =
    'This server is for its own machine: expected a Host such as localhost, 127.0.0.1 or that of an origin in allowedOrigins'
  return { status: 403, words }
}

/** Why a request may not open a WebSocket, if it may not. */
export const refusalOf = (
  settings: ServerSettings,
  request: IncomingMessage,
  state: { readonly draining: boolean; readonly total: number; readonly fromAddress: number },
): Refusal | undefined => {
  const { origin } = request.headers
  const allowed =
    origin === undefined ? settings.allowMissingOrigin : isAllowedOrigin(settings, origin)
  if (!allowed) return refuseOrigin(settings, origin, 'This origin may not connect')
  if (state.draining) return LEAVING
  if (state.total >= settings.maxConnections) {
    return { status: 503, words: 'The server is full', retryAfterSeconds: 30 }
  }
  if (state.fromAddress >= settings.maxConnectionsPerAddress) {
    return { status: 429, words: 'Too many connections from this address', retryAfterSeconds: 30 }
  }
  return undefined
}

/** Answers an upgrade that is refused, and ends its socket. */
export const refuseUpgrade = (
  socket: Duplex,
  { status, words, retryAfterSeconds }: Refusal,
): void => {
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    'X-Content-Type-Options: nosniff',
    `Content-Length: ${Buffer.byteLength(words)}`,
    ...(retryAfterSeconds ? [`Retry-After: ${retryAfterSeconds}`] : []),
  ]
  // Node listens to it no more, and a reset by the client must not end the process.
  socket.on('error', () => {})
  socket.once('finish', () => socket.destroy())
  socket.end(`${lines.join('\r\n')}\r\n\r\n${words}`)
}

/** The token of an `Authorization: Bearer` header. */
export const bearerOf = (request: IncomingMessage): string | undefined =>
  /^bearer (\S{1,8192})$/i.exec(request.headers.authorization ?? '')?.[1]
