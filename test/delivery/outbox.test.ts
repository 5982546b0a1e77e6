import { createFakeNetwork } from 'resilient-websocket/testing'
import { expect, test } from 'vitest'
import { createDelivery } from '../../src/delivery/delivery.ts'
import {
  createOutbox,
  type Outbox,
  type OutboxHooks,
  type Outgoing,
} from '../../src/delivery/outbox.ts'
import { createTimers } from '../../src/shared/timers.ts'

const create = (hooks: Partial<OutboxHooks<unknown>>): Outbox<unknown> => {
  const { environment = createFakeNetwork().environment } = hooks
  return createOutbox<unknown>({
    environment,
    timers: createTimers(environment),
    limit: 100,
    maxBytes: 1e6,
    ratePerSecond: 100,
    retries: 3,
    maxInFlight: 10,
    write() {},
    writable: () => true,
    bufferedBytes: () => 0,
    post() {},
    settled() {},
    refused() {},
    seqReplaced() {},
    ...hooks,
  })
}

const message = (type: string, more: Partial<Outgoing<unknown>> = {}): Outgoing<unknown> => {
  const frame = JSON.stringify({ type })
  return {
    delivery: createDelivery(type),
    message: {},
    frame,
    bytes: frame.length,
    reserved: false,
    unplaced: false,
    expiresAt: Number.POSITIVE_INFINITY,
    release() {},
    ...more,
  }
}

test('what a link would not take for once goes out on it all the same, in its order', async () => {
  const { environment, clock } = createFakeNetwork()
  const written: string[] = []
  let refusals = 1
  const outbox = create({
    environment,
    write(frame) {
      if (refusals-- > 0) throw new Error('not now')
      written.push(...[JSON.parse(String(frame))].flat().map(({ seq, type }) => `${seq} ${type}`))
    },
  })
  outbox.open(10)
  for (const type of ['a', 'b']) outbox.add(message(type), false)
  await clock.advance(1000)
  expect(written).toEqual(['1 a', '2 b'])
})

test('what has expired is not taken for a POST, even if its timer is late', () => {
  let time = 0
  const environment = { ...createFakeNetwork().environment, monotonicNow: () => time }
  const outbox = create({ environment })
  const late = message('a', { expiresAt: 1000 })
  outbox.add(late, false)
  time = 1000
  outbox.prepare()
  expect(outbox.take()).toEqual([])
  expect(late.delivery).toMatchObject({ state: 'rejected', reason: 'expired' })
})

test.each([['on a link'], ['for a POST']])(
  'what a listener sends that cannot go does not go, either: %s',
  way => {
    const written: string[] = []
    const second = message('hello', { reserved: true })
    let sent = false
    const outbox = create({
      write: frame => void written.push(`${frame}`),
      settled() {
        if (!sent) {
          sent = true
          outbox.add(second, false)
        }
      },
    })
    if (way === 'on a link') outbox.open(10)
    outbox.add(message('ack', { reserved: true }), false)
    outbox.prepare()
    expect([...written, ...outbox.take()]).toEqual([])
    expect(second.delivery).toMatchObject({ state: 'rejected', reason: 'invalid' })
  },
)
