/** What `send()` hands out: the fate of one message. */

export type DeliveryState = 'queued' | 'in-flight' | 'acked' | 'sent' | 'rejected' | 'unknown'

export type RejectReason =
  | 'overflow'
  | 'expired'
  | 'invalid'
  | 'unauthorized'
  | 'refused'
  | 'closed'
  | 'identity'

/** The fate of a sent message. Its fields change as it goes; `settled` resolves once it is final. */
export interface Delivery {
  /** The message's id, the same on every try. */
  readonly id: string
  /**
   * `queued` and `in-flight` pass; `acked` (the server has applied it), `sent` (handed to a link
   * without acks: no more can be known), `rejected` (certainly not applied) and `unknown` (in flight
   * when the session was lost or the retries ran out, or its handler did not end in time) are final.
   */
  readonly state: DeliveryState
  /** Why it was rejected. */
  readonly reason: RejectReason | undefined
  /** On how many connections it was tried. */
  readonly attempts: number
  /** Never rejects; resolves exactly once, to this Delivery. Made when first read. */
  readonly settled: Promise<Delivery>
}

/** A Delivery in the hands of the outbox. */
export interface OpenDelivery extends Delivery {
  state: DeliveryState
  reason: RejectReason | undefined
  attempts: number
  /** The state is final now. */
  settle(): void
}

export const createDelivery = (id: string): OpenDelivery => {
  let promise: Promise<Delivery> | undefined
  let resolve: (() => void) | undefined
  const delivery: OpenDelivery = {
    id,
    state: 'queued',
    reason: undefined,
    attempts: 0,
    get settled() {
      promise ??= new Promise(done => {
        resolve = () => done(delivery)
        if (!/^(queued|in-flight)$/.test(delivery.state)) resolve()
      })
      return promise
    },
    settle: () => resolve?.(),
  }
  // The application sees what happens to its message, not the means.
  return Object.defineProperty(delivery, 'settle', { enumerable: false })
}
