/** What the messages of protocol v1 mean to a client. */
import { MAX_IN_FLIGHT } from '../constants.ts'
import type { EnvelopeCore, Handler } from '../envelope-core.ts'
import { fields, isWhole, positive, text } from '../fields.ts'
import type { Contact } from './contact.ts'
import type { Cursors } from './cursors.ts'
import type { SessionsDeps } from './deps.ts'
import type { HandshakeEvent, Stage } from './handshake.ts'
import type { PendingSubscribes } from './pending-subscribes.ts'

/** A conversation of v1, as its handlers see it. */
export interface V1 {
  readonly core: EnvelopeCore
  readonly deps: SessionsDeps
  readonly cursors: Cursors
  readonly pendingSubscribes: PendingSubscribes
  readonly contact: Contact
  stage: Stage
  /** The `tok` and the channels that the `hello` of this link carried. */
  carried: string | undefined
  named: readonly string[]
  step(event: HandshakeEvent): void
}

const speaks = ({ stage }: V1): boolean => stage === 'v1'

const fail = ({ core }: V1): void => core.link?.close('Protocol error')

export const V1_HANDLERS: Readonly<Record<string, Handler<V1>>> = {
  welcome(v1, data) {
    const { core, cursors, contact } = v1
    const { host } = core
    if (v1.stage !== 'welcome') return
    if (!contact.answered(data, v1.carried, host.monotonicNow())) return fail(v1)
    // A listener that heard what became of its message may have ended the link; so after each of them.
    v1.step('welcomed')
    if (!speaks(v1)) return
    // What a poll may have asked meanwhile, this server has not heard.
    cursors.cancelPending()
    cursors.applyRecoveries(data['channels'])
    if (!speaks(v1)) return
    // A channel that the server says nothing of is asked for again, and has its answer then.
    const answered = fields(data['channels'])
    v1.deps.onAgreed({
      maxInFlight: positive(data['maxInFlight']) ?? MAX_IN_FLIGHT,
      channels: v1.named.filter(channel => Object.hasOwn(answered, channel)),
    })
  },
  ack(v1, { seq }) {
    if (speaks(v1) && !(isWhole(seq) && v1.deps.sequence.acked(seq))) fail(v1)
  },
  nack({ core: { host }, deps, stage }, { seq, code, message }, { replyTo }) {
    if (stage !== 'v1' || !isWhole(seq)) return
    host.refused(text(replyTo), text(code) ?? 'INTERNAL', text(message) ?? `${code}`)
    deps.sequence.refused(seq, `${code}`, text(message))
  },
  subscribed({ deps, cursors, pendingSubscribes, stage }, { channels }, { replyTo }) {
    if (stage !== 'v1') return
    const id = text(replyTo)
    const given = { ...fields(channels) }
    const { newest, superseded } = pendingSubscribes.take(id)
    for (const channel of newest)
      if (!Object.hasOwn(given, channel)) deps.registry?.refused(channel)
    for (const channel of superseded) {
      // Asked again since, from nowhere: the answer to that says where it begins.
      if (!deps.channels.get(channel)?.cursor) delete given[channel]
    }
    cursors.applyRecoveries(given, { id })
  },
}
