import { createFakeNetwork } from 'resilient-websocket/testing'
import { expect, test } from 'vitest'
import { createDelivery } from '../../src/delivery/delivery.ts'
import { createOutbox, type Outbox, type OutboxDeps } from '../../src/delivery/outbox.ts'
import type { QueuedMessage } from '../../src/delivery/send-queue.ts'
import { createSequence, type Sequence } from '../../src/delivery/sequence.ts'
import { createTimers } from '../../src/shared/timers.ts'

interface Lab {
  readonly outbox: Outbox<unknown>
  readonly sequence: Sequence
  /** A link is ready that numbers messages, or one that does not. */
  open(maxInFlight?: number): void
}

const create = (deps: Partial<OutboxDeps<unknown>> & { write?: (frame: unknown) => void }): Lab => {
  const { environment = createFakeNetwork().environment, write = () => {} } = deps
  const outbox = createOutbox<unknown>({
    environment,
    timers: createTimers(environment),
    limit: 100,
    maxBytes: 1e6,
    ratePerSecond: 100,
    sequence: createSequence({ retries: 3, maxInFlight: 10, onSeqReplaced() {} }),
    onSettled() {},
    onRefused() {},
    onSizeChanged() {},
    ...deps,
  })
  const link = {
    send: write,
    bufferedBytes: () => 0,
    isTrustworthy: () => true,
    ready() {},
    fail() {},
  }
  return {
    outbox,
    sequence: outbox.sequence as Sequence,
    open: maxInFlight => outbox.linkReady(link, { maxInFlight }),
  }
}

const message = (
  type: string,
  more: Partial<QueuedMessage<unknown>> = {},
): QueuedMessage<unknown> => {
  const frame = JSON.stringify({ type })
  return {
    delivery: createDelivery(type),
    message: {},
    frame,
    bytes: frame.length,
    urgent: false,
    reserved: false,
    unsequenced: false,
    expiresAt: Number.POSITIVE_INFINITY,
    ...more,
  }
}

test('what a link would not take for once goes out on it all the same, in its order', async () => {
  const { environment, clock } = createFakeNetwork()
  const written: string[] = []
  let refusals = 1
  const { outbox, open } = create({
    environment,
    write(frame) {
      if (refusals-- > 0) throw new Error('not now')
      written.push(...[JSON.parse(String(frame))].flat().map(({ seq, type }) => `${seq} ${type}`))
    },
  })
  open(10)
  for (const type of ['a', 'b']) outbox.add(message(type))
  await clock.advance(1000)
  expect(written).toEqual(['1 a', '2 b'])
})

test('what has expired is not taken for a POST, even if its timer is late', () => {
  let time = 0
  const environment = { ...createFakeNetwork().environment, monotonicNow: () => time }
  const { outbox, sequence } = create({ environment })
  const late = message('a', { expiresAt: 1000 })
  outbox.add(late)
  time = 1000
  sequence.rejectUnsendable()
  expect(sequence.nextBatch()).toEqual([])
  expect(late.delivery).toMatchObject({ state: 'rejected', reason: 'expired' })
})

test.each([['on a link'], ['for a POST']])(
  'what a listener sends that cannot go does not go, either: %s',
  way => {
    const written: string[] = []
    const second = message('hello', { reserved: true })
    let sent = false
    const { outbox, sequence, open } = create({
      write: frame => void written.push(`${frame}`),
      onSettled() {
        if (!sent) {
          sent = true
          outbox.add(second)
        }
      },
    })
    if (way === 'on a link') open(10)
    outbox.add(message('ack', { reserved: true }))
    sequence.rejectUnsendable()
    expect([...written, ...sequence.nextBatch()]).toEqual([])
    expect(second.delivery).toMatchObject({ state: 'rejected', reason: 'invalid' })
  },
)
