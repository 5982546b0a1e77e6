/** Which requests are refused for their origin or host, and the token that a request carries. */
import type { IncomingMessage } from 'node:http'
import { forLog } from '../logging.ts'
import type { ServerSettings } from '../options.ts'
import { howToAllow } from '../origin.ts'
import { isLoopback, nameIn } from './address.ts'

/** A request that is refused: the answer by HTTP. */
export interface RequestRefusal {
  readonly status: number
  /** For people: the body of the answer. */
  readonly reason: string
  readonly retryAfterSeconds?: number
}

/** True for an origin in `allowedOrigins`. The caller decides about a request without one. */
export const isAllowedOrigin = (settings: ServerSettings, origin: string): boolean =>
  settings.allowedOrigins.includes(origin.toLowerCase())

/** Logs that a request is refused for its Origin, and gives the answer. */
export const refuseOrigin = (
  { logger }: ServerSettings,
  origin: string | undefined,
  reason: string,
): RequestRefusal => {
  const help = howToAllow(origin)
  logger.warn?.(`Blocked connection from unauthorized origin: ${forLog(origin ?? 'none')}. ${help}`)
  return { status: 403, reason: `${reason}. ${help}` }
}

/**
 * Why a request without an Origin may not be answered, if it may not. The name of a foreign site may have been pointed to
 * this machine (DNS rebinding): a browser then takes this server for that site's own, and sends its name as the Host.
 */
export const foreignHost = (
  settings: ServerSettings,
  request: IncomingMessage,
  boundAddress: string,
): RequestRefusal | undefined => {
  const { host } = request.headers
  // A browser always sends it; a proxy of this machine passes on the name that is known outside.
  if (host === undefined || settings.trustProxy || !isLoopback(boundAddress)) return undefined
  const name = nameIn(host)
  const isKnown = (origin: string): boolean => nameIn(origin.split('://')[1] ?? '') === name
  if (name && (isLoopback(name) || settings.allowedOrigins.some(isKnown))) return undefined
  settings.logger.warn?.(`Blocked a request for a foreign host: ${forLog(host)}`)
  const reason =
    'This server is for its own machine: expected a Host such as localhost, 127.0.0.1 or that of an origin in allowedOrigins'
  return { status: 403, reason }
}

/** The token of an `Authorization: Bearer` header. */
export const bearerOf = (request: IncomingMessage): string | undefined =>
  /^bearer (\S{1,8192})$/i.exec(request.headers.authorization ?? '')?.[1]
