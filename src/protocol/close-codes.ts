/**
 * Why a link is closed: the codes that client or server send or act on. A script may send 1000 and 3000 to 4999; the
 * others are a server's, a browser's or a proxy's.
 */

export const NORMAL = 1000

/** The server stops, or the page is left. */
export const GOING_AWAY = 1001

export const PROTOCOL_ERROR = 1002

export const UNSUPPORTED_DATA = 1003

/** No close frame came: the network, not a server, ended the link. */
export const ABNORMAL = 1006

export const INVALID_DATA = 1007

export const POLICY_VIOLATION = 1008

export const TOO_LARGE = 1009

export const MISSING_EXTENSION = 1010

/** IANA's code for a timeout: the dial took too long, or the heartbeat heard nothing. */
export const TIMED_OUT = 3008

/** The client can do nothing with what the server sends; scripts may not send 1002. */
export const USELESS = 4002

/** The token is missing, wrong or expired. */
export const UNAUTHORIZED = 4401

/** No `hello` or `auth` came in time. */
export const NOT_HEARD = 4408
