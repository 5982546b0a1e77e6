/** What each effect of the handshake does. */
import type { V1 } from './handlers.ts'
import type { HandshakeEffect } from './handshake.ts'
import { inParts } from './resubscribe.ts'
import type { Session } from './session.ts'

export interface HandshakeEffects {
  readonly effects: Readonly<Record<HandshakeEffect, () => void>>
  /** The link waits for nothing any more. */
  stopWaiting(): void
}

const FIRST_FRAME_MS = 1000
const WELCOME_MS = 5000

export const createHandshakeEffects = (v1: V1, session: Session): HandshakeEffects => {
  const { core, cursors } = v1
  let stop = (): void => {}

  const wait = (delayMs: number): void => {
    stop()
    if (core.link) stop = core.link.after(delayMs, () => v1.step('timedOut'))
  }

  return {
    stopWaiting: () => stop(),
    effects: {
      awaitFirstFrame: () => wait(FIRST_FRAME_MS),
      awaitWelcome: () => wait(WELCOME_MS),
      sayHello() {
        wait(WELCOME_MS)
        const contact = session.contact()
        v1.carried = contact.tok
        // The others follow.
        v1.named = inParts(core.host.channels())[0] ?? []
        const channels = cursors.positions(v1.named)
        core.link?.send(core.frame('hello', { ...contact, token: core.link.token(), channels }))
      },
      begin() {
        stop()
        core.begin()
      },
      failUnwelcome: () => core.link?.close('No welcome in time', true, true),
      failPlain: () => core.link?.close('The server does not speak protocol v1'),
      loosen: () => cursors.onPlainLink(),
    },
  }
}
