/** The hint beside an error in the details. Chosen by the facts of the error, never by its message. */
import type { ErrorHint, ResilientWebSocketError } from 'resilient-websocket'
import type { IndicatorStrings } from './describe.ts'

type HintName = Exclude<keyof IndicatorStrings, 'reasons'>

const BY_HINT: Readonly<Record<ErrorHint, HintName | undefined>> = {
  login: 'hintLogin',
  origin: 'hintOrigin',
  address: 'hintAddress',
  blocked: 'hintAddress',
  fallback: 'hintFallback',
  // The message says already which part of the runtime is missing.
  runtime: undefined,
}

/** The client's own close code: the server broke the protocol, so the network is well. */
const PROTOCOL_ERROR = 4002

/** A link that ended, or a dial that failed. */
const ofLink = ({ closeCode }: ResilientWebSocketError): HintName | undefined =>
  closeCode === undefined || closeCode === PROTOCOL_ERROR ? undefined : 'hintUnreachable'

const ofPoll = (
  { httpStatus = 0 }: ResilientWebSocketError,
  cause: string,
): HintName | undefined =>
  httpStatus >= 500 ? 'hintServer' : cause === 'NetworkError' ? 'hintUnreachable' : undefined

const nameFor = (error: ResilientWebSocketError): HintName | undefined => {
  const { code, hint, cause } = error
  if (hint) return BY_HINT[hint]
  const causeName = (cause as Error | undefined)?.name ?? ''
  const timedOut = causeName === 'TimeoutError'
  switch (code) {
    case 'LOST':
    case 'FAILED':
      return timedOut ? 'hintNoAnswer' : ofLink(error)
    case 'POLL':
      return timedOut ? 'hintNoAnswer' : ofPoll(error, causeName)
    case 'BAD_MESSAGE':
      return 'hintMessage'
    case 'RATE_LIMITED':
      return 'hintSlower'
    default:
      return undefined
  }
}

/** The hint for an error; undefined where there is none. */
export const hintFor = (
  error: ResilientWebSocketError | null,
  texts: IndicatorStrings,
): string | undefined => {
  const name = error && nameFor(error)
  return name ? texts[name] : undefined
}
