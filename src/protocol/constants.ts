/** The numbers and names of the wire, each once, for client and server. */

/** Types that mean something to a plain server, too; all others are its application's. */
export const PLAIN_TYPES: readonly string[] =
  /* @__PURE__ */ 'connection ping pong error reconnect'.split(' ')

/** Types of protocol v1 that only a client sends. */
export const CLIENT_TYPES: readonly string[] =
  /* @__PURE__ */ 'hello skip subscribe unsubscribe auth'.split(' ')

/** Types that belong to protocol v1: they never reach an application, but for the `pong` of its own `ping`. */
export const RESERVED_TYPES: readonly string[] = /* @__PURE__ */ PLAIN_TYPES.concat(
  CLIENT_TYPES,
  'welcome ack nack subscribed unsubscribed authenticated'.split(' '),
)

/** The longest id of a message, in characters. */
export const MAX_ID_LENGTH = 64

/** Unacknowledged messages, at most, where neither side says otherwise. */
export const MAX_IN_FLIGHT = 256

/** How long a server keeps a session without a client at least, in ms, where it does not say so. */
export const SESSION_TTL_MS = 120_000
