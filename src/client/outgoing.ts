/** Messages of the application on their way out, and the requests among them: what becomes of each is told here. */
import { createOutbox, type Outbox } from '../delivery/outbox.ts'
import type { Requests } from '../delivery/requests.ts'
import type { Ground } from './ground.ts'

export interface Outgoing<Incoming, Message> {
  readonly outbox: Outbox<Message>
  readonly requests: Requests<Incoming> | undefined
}

const SEQ_REPLACED =
  "A message has a seq of its own, which protocol v1 replaces by the session's; name it otherwise"

export const createOutgoing = <Incoming, Message>(
  ground: Ground<Incoming, Message>,
): Outgoing<Incoming, Message> => {
  const { settings, parts, environment, timers, log, events } = ground
  const { queue, protocol } = settings
  const requests = parts.requests?.createRequests<Incoming>(
    timers,
    ground.aborts,
    environment.monotonicNow,
  )
  let isSeqReplaced = false

  const outbox = createOutbox<Message>({
    ...queue,
    environment,
    timers,
    sequence: parts.sessions?.createSequence({
      ...queue,
      onSeqReplaced() {
        if (!isSeqReplaced) log('warn', SEQ_REPLACED)
        isSeqReplaced = true
      },
    }),
    acks: protocol?.acks ? { ...queue, resends: protocol.resends === true } : undefined,
    onSizeChanged: ground.onChange,
    onSettled({ message, delivery, release }) {
      const { reason, state } = delivery
      release?.()
      // First: a listener may ask again with the same id.
      if (reason) {
        requests?.rejected(delivery)
        events.emit('drop', { message, reason })
      } else if (state === 'unknown') requests?.unknown(delivery)
      else events.count('sent')
      events.emit('delivery', delivery)
    },
    onRefused: cause => ground.faults.report('NOT_SENT', cause),
  })
  return { outbox, requests }
}
