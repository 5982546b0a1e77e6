/** Protocol v1 as it is plugged into a conversation in envelopes: handshake, sessions and positions. */
import { RESERVED_TYPES } from '../constants.ts'
import type { EnvelopeCore, SessionsExtension } from '../envelope-core.ts'
import { createContact, NO_SECRET } from './contact.ts'
import { createCursors } from './cursors.ts'
import type { SessionsDeps } from './deps.ts'
import { type V1, V1_HANDLERS } from './handlers.ts'
import { nextRow } from './handshake.ts'
import { createHandshakeEffects } from './handshake-effects.ts'
import { createPendingSubscribes } from './pending-subscribes.ts'
import { createSession } from './session.ts'

/** Reserved types that an application may send itself. */
const BY_HAND = /* @__PURE__ */ 'subscribe unsubscribe auth ping'.split(' ')

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

  const contact = createContact({
    core,
    sequence: deps.sequence,
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
      if (row.to === 'v1' || row.to === 'none') handshake.stopWaiting()
      if (row.also) handshake.effects[row.also]()
    },
  }
  const handshake = createHandshakeEffects(v1, session)

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
    obstacle: cursors.obstacle,
    subscribe: channels => (v1.stage === 'v1' ? question(host.newId(), channels) : undefined),
    isReserved: type => RESERVED_TYPES.includes(type) && !BY_HAND.includes(type),
    renew() {
      session.renew()
      cursors.reset()
    },
    sessionId: () => (expected ? (session.id() ?? null) : null),
  }
}
