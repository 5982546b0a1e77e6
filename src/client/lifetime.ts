/** The end of a client: `close()`, and what may not be done after it. */
import type { ChannelRegistry } from '../channels/channel-registry.ts'
import type { Connection } from '../connection/connection.ts'
import type { Outbox } from '../delivery/outbox.ts'
import type { Requests } from '../delivery/requests.ts'
import { ResilientWebSocketError } from '../errors.ts'
import type { Timers } from '../shared/timers.ts'
import type { PublicEvents } from './public-events.ts'
import type { Received } from './received.ts'

export interface LifetimeDeps {
  readonly settings: { readonly signal?: AbortSignal | undefined }
  readonly timers: Timers
  readonly events: PublicEvents<never, never>
  readonly connection: Connection
  readonly channels: ChannelRegistry | undefined
  readonly outbox: Outbox<never>
  readonly requests: Requests<never> | undefined
  readonly received: Received<never>
}

export interface Lifetime {
  /** The client is closed for good. */
  isFinished(): boolean
  /** Throws if the client is closed for good. */
  checkAlive(): void
  close(): void
}

const closed = (message: string): ResilientWebSocketError =>
  new ResilientWebSocketError('CLOSED', message)

export const createLifetime = (deps: LifetimeDeps): Lifetime => {
  const { outbox, received } = deps
  const { signal } = deps.settings
  let isFinished = false

  const close = (): void => {
    if (isFinished) return
    // What was sent in this turn still leaves.
    outbox.flush()
    isFinished = true
    deps.connection.dispatch('closeRequested', 'Closed')
    received.flush()
    outbox.rejectAll('closed')
    deps.channels?.end()
    for (const each of deps.requests?.pending() ?? []) each.fail(closed('The client was closed'))
    deps.timers.end()
    signal?.removeEventListener('abort', close)
    queueMicrotask(() => {
      // The message whose listener has closed it.
      received.flush()
      deps.events.clear()
    })
  }
  signal?.addEventListener('abort', close)

  return {
    isFinished: () => isFinished,
    checkAlive() {
      if (isFinished) throw closed('This client was closed for good; create another one')
    },
    close,
  }
}
