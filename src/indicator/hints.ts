/** What may help against an error, for those who look at the details. */
import type { ResilientWebSocketError } from 'resilient-websocket'

const HINTS: readonly (readonly [about: RegExp, hint: string])[] = [
  [/4401|401|UNAUTHORIZED/, 'The session may have ended: log in again.'],
  [/4403|403/, 'The server does not allow this origin: see its ALLOWED_ORIGINS.'],
  [
    /CSP|SecurityError|connect-src/,
    'Check the URL, wss: on https: pages, and connect-src of the CSP.',
  ],
  [/No fallback/, 'Set fallback.url to where the server answers polls, or fallback: false.'],
  [/timeout|no answer/i, 'The server or the network does not answer.'],
  [/1006|failed|lost/i, 'The server is not reachable from here, or the network has changed.'],
]

/** The hint for an error; undefined where there is none. */
export const hintFor = (error: ResilientWebSocketError | null): string | undefined =>
  error ? HINTS.find(([about]) => about.test(`${error.code} ${error.message}`))?.[1] : undefined
