/** The connection of this page. The library's defaults are meant for production; a demo is watched by people in a hurry. */
import {
  createResilientWebSocket,
  DEFAULTS,
  type IncomingEnvelope,
  type ResilientWebSocket,
} from 'resilient-websocket'
import { isBestPrice } from './quotes.ts'

export type Connection = ResilientWebSocket<IncomingEnvelope>

const parameters = new URLSearchParams(location.search)

/** A number from the address bar, such as `?retryMs=500`, or the default. */
const setting = (name: string, usual: number): number => Number(parameters.get(name) ?? usual)

const { url: usualUrl, reconnect, fallback } = DEFAULTS

export const maxAttempts: number = setting('maxAttempts', reconnect.maxAttempts)

export const createConnection = (url: string = usualUrl): Connection =>
  createResilientWebSocket({
    url,
    reconnect: { initialDelayMs: setting('retryMs', reconnect.initialDelayMs), maxAttempts },
    fallback: {
      intervalMs: setting('pollMs', fallback.intervalMs),
      probeIntervalMs: setting('probeMs', fallback.probeIntervalMs),
      // Where WebSockets are blocked, old prices for ten seconds are enough.
      afterMs: setting('afterMs', 10_000),
    },
    batch: {
      // Of the best bid and ask only the newest matters, once a window. Every trade comes.
      conflate: message => (isBestPrice(message) ? message.channel : undefined),
    },
    // `console` alone would log each message too: too much for a recording, so only with `?debug`.
    logger: parameters.has('debug') ? console : { ...console, debug() {} },
  })
