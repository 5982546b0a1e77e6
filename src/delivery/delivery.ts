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
  /** Why it was rejected; `undefined` in every other state. */
  readonly reason: RejectReason | undefined
  /** On how many connections it was tried; 0 until it was first written. */
  readonly attempts: number
  /** The server's own code for a refusal, as it came; absent where the server refused nothing or gave none. */
  readonly code?: string
  /** What the server said beside the code, for people; absent where it said nothing. */
  readonly detail?: string
  /** Never rejects; resolves exactly once, to this Delivery. Made when first read. */
  readonly settled: Promise<Delivery>
}

/** Why a message is rejected. */
export interface Rejection {
  readonly reason: RejectReason
  /** The server's own code. */
  readonly code?: string | undefined
  /** The server's words beside the code. */
  readonly detail?: string | undefined
}

/** A Delivery in the hands of the outbox. */
export interface OpenDelivery extends Delivery {
  state: DeliveryState
  attempts: number
  /** True once the state is final. */
  isSettled(): boolean
  /** Makes the state final. To be called once. */
  settle(state: DeliveryState, rejection?: Rejection): void
}

/** A class, so that a Delivery shows its fields and not the means: methods and the promise cost it nothing. */
class MessageDelivery implements OpenDelivery {
  readonly id: string
  state: DeliveryState = 'queued'
  reason: RejectReason | undefined = undefined
  attempts = 0
  declare code?: string
  declare detail?: string
  #promise: Promise<Delivery> | undefined
  #resolve: ((delivery: Delivery) => void) | undefined

  constructor(id: string) {
    this.id = id
  }

  get settled(): Promise<Delivery> {
    this.#promise ??= new Promise(resolve => {
      if (this.isSettled()) resolve(this)
      else this.#resolve = resolve
    })
    return this.#promise
  }

  isSettled(): boolean {
    return this.state !== 'queued' && this.state !== 'in-flight'
  }

  settle(state: DeliveryState, rejection?: Rejection): void {
    this.state = state
    if (rejection) {
      const { reason, code, detail } = rejection
      this.reason = reason
      if (code !== undefined) this.code = code
      if (detail !== undefined) this.detail = detail
    }
    this.#resolve?.(this)
  }
}

export const createDelivery = (id: string): OpenDelivery => new MessageDelivery(id)
