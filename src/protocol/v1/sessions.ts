/** Protocol v1 as it is plugged into a conversation in envelopes: handshake, sessions and positions. */
import { RESERVED_TYPES } from '../constants.ts'
import type { EnvelopeCore, SessionsExtension } from '../envelope-core.ts'
import { createContact, NO_SECRET } from './contact.ts'
import { createCursors } from './cursors.ts'
import type { SessionsDeps } from './deps.ts'
import { type V1, V1_HANDLERS } from './handlers.ts'
import { type HandshakeEffect, nextRow } from './handshake.ts'
import { createPendingSubscribes } from './pending-subscribes.ts'
import { inParts } from './resubscribe.ts'
import { createSession } from './session.ts'

const FIRST_FRAME_MS = 1000
const WELCOME_MS = 5000

/** Reserved types that an application may send itself. */
const BY_HAND = 'subscribe unsubscribe auth ping'.split(' ')

export const createSessions = (
  deps: SessionsDeps,
  core: EnvelopeCore,
  version: 'auto' | 1,
): SessionsExtension => {
  const { host } = core
  /** The server has spoken v1: it is expected to from now on. */
  let expected = version === 1
  const pendingSubscribes = createPendingSubscribes(deps.channels)

  const question = (id: string, channels: readonly string[]): string => {
    pendingSubscribes.add(id, channels)
    return core.frame('subscribe', { [core.field]: cursors.positions(channels) }, id)
  }

  const session = createSession(deps)

  const cursors = createCursors({
    ...deps,
    newId: host.newId,
    resubscribe(id, channels) {
      if (v1.stage === 'v1') core.link?.control(question(id, channels))
    },
  })

  let stopWaiting = (): void => {}

  const wait = (delayMs: number): void => {
    stopWaiting()
    if (core.link) stopWaiting = core.link.after(delayMs, () => v1.step('timedOut'))
  }

  const effects: Readonly<Record<HandshakeEffect, () => void>> = {
    awaitFirstFrame: () => wait(FIRST_FRAME_MS),
    awaitWelcome: () => wait(WELCOME_MS),
    sayHello() {
      wait(WELCOME_MS)
      const contact = session.contact()
      v1.carried = contact.tok
      // The others follow.
      v1.named = inParts(host.channels())[0] ?? []
      const channels = cursors.positions(v1.named)
      core.link?.send(core.frame('hello', { ...contact, token: core.link.token(), channels }))
    },
    begin() {
      stopWaiting()
      core.begin()
    },
    failUnwelcome: () => core.link?.close('No welcome in time', true, true),
    failPlain: () => core.link?.close('The server does not speak protocol v1'),
    loosen: () => cursors.onPlainLink(),
  }

  const contact = createContact({
    core,
    outbox: deps,
    session,
    cursors,
    channels: deps.channels,
    onRefused: deps.onRefused,
    isUnlinked: () => v1.stage === 'none',
    onPolled() {
      if (expected) return
      expected = true
      // A link that has just opened is waited for as one of v1.
      v1.step('polled')
    },
  })

  const v1: V1 = {
    core,
    deps,
    cursors,
    pendingSubscribes,
    contact,
    stage: 'none',
    carried: undefined,
    named: [],
    step(event) {
      const row = nextRow(v1.stage, event, expected)
      if (!row) return
      v1.stage = row.to
      if (row.to === 'v1' || row.to === 'none') stopWaiting()
      if (row.also) effects[row.also]()
    },
  }

  return {
    http: contact.http,
    opened: () => v1.step('opened'),
    closed() {
      v1.step('closed')
      contact.closed()
      cursors.cancelPending()
      pendingSubscribes.clear()
    },
    frameRead: () => v1.step('frameRead'),
    offered() {
      if (!session.id()) {
        deps.onRefused(NO_SECRET)
        return false
      }
      // Where it comes too late for this link, the next one waits for it.
      expected = true
      return true
    },
    greeted: () => v1.step('offered'),
    handle: (type, data, message) => V1_HANDLERS[type]?.(v1, data, message),
    rateLimited() {
      cursors.askAgain()
      return v1.stage === 'v1'
    },
    heads(heads) {
      if (v1.stage === 'v1') cursors.checkHeads(heads)
    },
    isPolled: contact.isPolled,
    isPositioned: () => v1.stage !== 'first' && v1.stage !== 'plain',
    obstacle: (channel, offset) => cursors.obstacle(channel, offset),
    subscribe: channels => (v1.stage === 'v1' ? question(host.newId(), channels) : undefined),
    isReserved: type => RESERVED_TYPES.includes(type) && !BY_HAND.includes(type),
    renew() {
      session.renew()
      cursors.reset()
    },
    sessionId: () => (expected ? (session.id() ?? null) : null),
  }
}
