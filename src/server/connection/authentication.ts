/** The identity of one client: its token, the deadline for it, and its expiry. */
import { CLOSE_AUTH_TIMEOUT, CLOSE_UNAUTHORIZED } from '../close-codes.ts'
import type { ServerEnvironment, ServerTimers } from '../environment.ts'
import type { Identity, ServerSettings } from '../options.ts'
import { dataOf, type Fields, replyTo } from '../protocol/parse.ts'
import type { Peer } from './peer.ts'

export interface AuthenticationDeps {
  readonly settings: ServerSettings
  readonly environment: ServerEnvironment
}

/** Resolves to the identity of a token, and to `null` for one that is refused. */
export type Authenticate = (token: string) => Promise<Identity | null>

export class Authentication {
  readonly #deps: AuthenticationDeps
  readonly #peer: Peer
  readonly #timers: ServerTimers
  readonly #authenticate: Authenticate
  #identity: Identity | null = null

  constructor(
    deps: AuthenticationDeps,
    peer: Peer,
    timers: ServerTimers,
    authenticate: Authenticate,
  ) {
    this.#deps = deps
    this.#peer = peer
    this.#timers = timers
    this.#authenticate = authenticate
  }

  /** `null`: anonymous, or not authenticated yet. */
  user(): string | null {
    return this.#identity?.user ?? null
  }

  /** The client has to authenticate before anything else. */
  isMissing(): boolean {
    return this.#deps.settings.authenticate !== undefined && !this.#identity
  }

  /** Takes the identity that came with the upgrade, if any, or else sets the deadline. */
  start(identity: Identity | null): void {
    if (identity && this.#admit(identity)) {
      this.#peer.send('authenticated', { expiresAt: identity.expiresAt })
    } else if (this.isMissing()) {
      this.#timers.set('auth', this.#deps.settings.authTimeoutMs, () =>
        this.#peer.close(CLOSE_AUTH_TIMEOUT, 'No auth in time'),
      )
    }
  }

  /** Checks a token; false if it is refused: the client is then closed with 4401. */
  async verify(token: string): Promise<boolean> {
    return this.#admit(await this.#authenticate(token))
  }

  /** Handles the message `auth`. */
  async onAuth(message: Fields): Promise<void> {
    const { token } = dataOf(message)
    if (typeof token !== 'string' || !token) {
      return this.#peer.sendError('BAD_MESSAGE', 'auth: expected { token: string }', message)
    }
    if (!this.#deps.settings.authenticate) {
      return this.#peer.send('authenticated', {}, replyTo(message))
    }
    if (await this.verify(token)) {
      const expiresAt = this.#identity?.expiresAt
      this.#peer.send('authenticated', { expiresAt }, replyTo(message))
    }
  }

  /** The client has said hello: the deadline does not hold any more. */
  cancelDeadline(): void {
    this.#timers.clear('auth')
  }

  #admit(next: Identity | null): boolean {
    const before = this.#identity
    if (!next || (before && before.user !== next.user)) {
      const reason = before && next ? 'A refresh may not change the user' : 'This token was refused'
      this.#peer.sendError('UNAUTHORIZED', reason)
      this.#peer.close(CLOSE_UNAUTHORIZED, 'Unauthorized')
      return false
    }
    this.#identity = next
    this.#timers.clear('auth')
    this.#timers.clear('expiry')
    const { expiresAt } = next
    if (typeof expiresAt === 'number') {
      this.#timers.set('expiry', expiresAt - this.#deps.environment.now(), () =>
        this.#peer.close(CLOSE_UNAUTHORIZED, 'Token expired'),
      )
    }
    return true
  }
}
