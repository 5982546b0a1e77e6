import { createFakeNetwork } from 'resilient-websocket/testing'
import { describe, expect, test } from 'vitest'
import { createDelivery } from '../../src/delivery/delivery.ts'
import { createOutbox, type Outbox } from '../../src/delivery/outbox.ts'
import type { QueuedMessage } from '../../src/delivery/send-queue.ts'
import type { AckRules } from '../../src/delivery/unacked.ts'
import { createTimers } from '../../src/shared/timers.ts'

interface Lab {
  readonly outbox: Outbox<string>
  /** What was written on each link, in order. */
  readonly links: string[][]
  /** Each settled message, `id state`. */
  readonly settled: string[]
  link(): void
  send(id: string, more?: Partial<QueuedMessage<string>>): QueuedMessage<string>
}

const lab = (acks?: Partial<AckRules>, limit = 100): Lab => {
  const { environment } = createFakeNetwork()
  const links: string[][] = []
  const settled: string[] = []
  const outbox = createOutbox<string>({
    environment,
    timers: createTimers(environment),
    limit,
    maxBytes: 1e6,
    ratePerSecond: 1e6,
    acks: acks && { resends: false, retries: 1, maxInFlight: 3, ...acks },
    onSettled: ({ delivery }) => void settled.push(`${delivery.id} ${delivery.state}`),
    onRefused() {},
    onSizeChanged() {},
  })
  return {
    outbox,
    links,
    settled,
    link() {
      const written: string[] = []
      links.push(written)
      outbox.linkReady(
        {
          send: frame => void written.push(`${frame}`),
          bufferedBytes: () => 0,
          isTrustworthy: () => true,
          ready() {},
          fail() {},
        },
        {},
      )
    },
    send(id, more = {}) {
      const entry: QueuedMessage<string> = {
        delivery: createDelivery(id),
        message: id,
        frame: id,
        bytes: id.length,
        urgent: false,
        reserved: false,
        unsequenced: false,
        expiresAt: Number.POSITIVE_INFINITY,
        ...more,
      }
      outbox.add(entry)
      return entry
    },
  }
}

const turn = (): Promise<void> => new Promise(done => setImmediate(done))

describe('a server that acknowledges each message by its id', () => {
  test('a message is in flight until the server answers', () => {
    const { outbox, link, send, settled } = lab({ maxInFlight: 9 })
    link()
    const [a, b, c] = ['a', 'b', 'c'].map(id => send(id).delivery)
    expect([a?.state, b?.state, c?.state]).toEqual(['in-flight', 'in-flight', 'in-flight'])
    outbox.acked('b')
    outbox.refused('a', { reason: 'unauthorized', code: 'FORBIDDEN', detail: 'not yours' })
    outbox.unanswered('c')
    outbox.acked('a')
    outbox.acked('nobody')
    expect(settled).toEqual(['b acked', 'a rejected', 'c sent'])
    expect(a).toMatchObject({ reason: 'unauthorized', code: 'FORBIDDEN', detail: 'not yours' })
    expect(b).not.toHaveProperty('code')
  })

  test('no more than maxInFlight are in flight, and each answer makes room for one', () => {
    const { outbox, link, links, send } = lab({ maxInFlight: 2 })
    link()
    for (const id of ['a', 'b', 'c', 'd']) send(id)
    expect(links).toEqual([['a', 'b']])
    outbox.unanswered('a')
    expect(links).toEqual([['a', 'b', 'c']])
    expect(outbox.size()).toBe(1)
  })

  test('what was in flight when the link ended is unknown, and what waited goes on the next link', async () => {
    const { outbox, link, links, send, settled } = lab({ maxInFlight: 2 })
    link()
    for (const id of ['a', 'b', 'c']) send(id)
    outbox.linkClosed()
    expect(settled).toEqual([])
    await turn()
    expect(settled).toEqual(['a unknown', 'b unknown'])
    link()
    expect(links[1]).toEqual(['c'])
  })

  test('a protocol that resends says it again in order, before newer messages, on 1 + retries links', async () => {
    const { outbox, link, links, send, settled } = lab({ resends: true, retries: 1 })
    link()
    for (const id of ['a', 'b', 'c']) send(id)
    outbox.acked('b')
    outbox.linkClosed()
    send('d', { urgent: true })
    await turn()
    link()
    expect(links[1]).toEqual(['a', 'c', 'd'])
    outbox.linkClosed()
    await turn()
    expect(settled).toEqual(['b acked', 'a unknown', 'c unknown'])
    link()
    expect(links[2]).toEqual(['d'])
  })

  test('two messages with one id: no more can be known of the older one, and the answer is for the newer', () => {
    const { outbox, link, send } = lab({})
    link()
    const [older, newer] = [send('a').delivery, send('a').delivery]
    expect([older.state, newer.state]).toEqual(['sent', 'in-flight'])
    outbox.acked('a')
    expect(newer.state).toBe('acked')
  })

  test('the end of the client settles as unknown what is in flight, and rejects what waits', async () => {
    const { outbox, link, send, settled } = lab({ maxInFlight: 1 })
    link()
    for (const id of ['a', 'b']) send(id)
    outbox.linkClosed()
    outbox.rejectAll('closed')
    await turn()
    expect(settled).toEqual(['a unknown', 'b rejected'])
  })
})

describe('channels whose join is pending', () => {
  test('messages of a channel wait for its join and hold up no others, then go in their order', () => {
    const { outbox, link, links, send } = lab()
    outbox.hold('A')
    link()
    for (const [id, channel] of [
      ['a1', 'A'],
      ['b1', 'B'],
      ['a2', 'A'],
      ['x', undefined],
    ] as const) {
      send(id, { channel })
    }
    expect(links).toEqual([['b1', 'x']])
    expect(outbox.size()).toBe(2)
    outbox.release('A')
    expect(links).toEqual([['b1', 'x', 'a1', 'a2']])
  })

  test('messages that were queued before the join began wait for it, too, urgent ones first', () => {
    const { outbox, link, links, send } = lab()
    send('a1', { channel: 'A' })
    send('b1', { channel: 'B' })
    send('a2', { channel: 'A', urgent: true })
    outbox.hold('A')
    link()
    expect(links).toEqual([['b1']])
    outbox.release('A')
    expect(links).toEqual([['b1', 'a2', 'a1']])
  })

  test('a refused join rejects what waits for it with the code of the server, and nothing else', () => {
    const { outbox, link, links, send, settled } = lab()
    outbox.hold('A')
    outbox.hold('B')
    link()
    const refused = send('a1', { channel: 'A' })
    send('b1', { channel: 'B' })
    outbox.rejectChannel('A', { reason: 'refused', code: 'full' })
    expect(refused.delivery).toMatchObject({ state: 'rejected', reason: 'refused', code: 'full' })
    expect(settled).toEqual(['a1 rejected'])
    outbox.release('B')
    expect(links).toEqual([['b1']])
  })

  test('a message that waits for a join can be taken back, and is dropped first when there is too much', () => {
    const { outbox, link, send, settled } = lab(undefined, 2)
    outbox.hold('A')
    link()
    const [first, second] = ['a1', 'a2'].map(id => send(id, { channel: 'A' }))
    expect(outbox.cancel(second as QueuedMessage<string>)).toBe(true)
    for (const id of ['a3', 'a4']) send(id, { channel: 'A' })
    expect(settled).toEqual(['a2 rejected', 'a1 rejected'])
    expect(first?.delivery.reason).toBe('overflow')
  })

  test('a channel that is lost makes unknown what is in flight on it alone', () => {
    const { outbox, link, send, settled } = lab({})
    link()
    send('a1', { channel: 'A' })
    send('b1', { channel: 'B' })
    outbox.channelLost('A')
    expect(settled).toEqual(['a1 unknown'])
  })
})
