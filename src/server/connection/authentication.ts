/** Who one client is: the token it says, the identity that it gets for it, and when that ends. */
import type { ServerEnvironment, ServerTimers } from '../environment.ts'
import type { Identity, ServerSettings } from '../options.ts'
import { dataOf, type Fields, replyTo } from '../protocol/parse.ts'
import type { Talk } from './peer.ts'

export interface AdmissionHooks {
  readonly settings: ServerSettings
  readonly timers: ServerTimers
  readonly environment: ServerEnvironment
  readonly talk: Talk
  authenticate(token: string): Promise<Identity | null>
}

export interface Admission {
  /** `null`: nobody yet, or anonymous. */
  user(): string | null
  /** The client has to say who it is before anything else. */
  isRequired(): boolean
  /** With the identity that came with the upgrade, if one did. */
  begin(identity: Identity | null): void
  /** Checks a token; false if it is refused, and the client is then told. */
  present(token: string): Promise<boolean>
  /** The message `auth`. */
  auth(message: Fields): Promise<void>
  /** The client has said what there was to say: no more deadline. */
  done(): void
}

export const createAdmission = (hooks: AdmissionHooks): Admission => {
  const { settings, timers, environment, talk } = hooks
  let identity: Identity | null = null

  /** Takes an identity; false if it must not be. */
  const admit = (next: Identity | null): boolean => {
    if (!next || (identity && identity.user !== next.user)) {
      const words =
        identity && next ? 'A refresh may not change the user' : 'This token was refused'
      talk.complain('UNAUTHORIZED', words)
      talk.close(4401, 'Unauthorized')
      return false
    }
    identity = next
    timers.clear('auth')
    timers.clear('expiry')
    const { expiresAt } = next
    if (typeof expiresAt === 'number') {
      const expired = (): void => talk.close(4401, 'Token expired')
      timers.set('expiry', expiresAt - environment.now(), expired)
    }
    return true
  }

  const isRequired = (): boolean => settings.authenticate !== undefined && !identity

  const present = async (token: string): Promise<boolean> => admit(await hooks.authenticate(token))

  return {
    user: () => identity?.user ?? null,
    isRequired,
    begin(given) {
      if (given && admit(given)) talk.send('authenticated', { expiresAt: given.expiresAt })
      else if (isRequired())
        timers.set('auth', settings.authTimeoutMs, () => talk.close(4408, 'No auth in time'))
    },
    present,
    async auth(message) {
      const { token } = dataOf(message)
      if (typeof token !== 'string' || !token) {
        return talk.complain('BAD_MESSAGE', 'auth: expected { token: string }', message)
      }
      if (!settings.authenticate) return talk.send('authenticated', {}, replyTo(message))
      if (await present(token)) {
        talk.send('authenticated', { expiresAt: identity?.expiresAt }, replyTo(message))
      }
    },
    done: () => timers.clear('auth'),
  }
}
