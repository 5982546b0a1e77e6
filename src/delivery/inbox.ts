/** What an incoming message passes before the application sees it: schema, then dedupe. */
import { isLate } from '../promises.ts'
import type { Dedupe } from './dedupe.ts'

/** The part of Standard Schema (standardschema.dev) that is used here. */
export interface Schema<Output = unknown> {
  readonly '~standard': {
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
  }
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string; readonly path?: unknown }[] }

export interface InboxHooks<Message> {
  readonly schema: Schema<Message> | undefined
  readonly key: (message: Message) => unknown
  readonly dedupe: Dedupe | undefined
  /** The application says itself what names a message. */
  readonly ownKey: boolean
  /** `given` is the message as it came. */
  accepted(message: Message, given: Message): void
  duplicate(): void
  bad(thrown: unknown): void
}

/** Takes one message; what is wrong with it is told to `bad`, and never thrown. */
export const createInbox =
  <Message>({
    schema,
    key,
    dedupe,
    ownKey,
    ...hooks
  }: InboxHooks<Message>): ((message: Message, channel?: string) => void) =>
  (message, channel) => {
    let accepted = message
    try {
      if (schema) {
        const result = schema['~standard'].validate(message) as SchemaResult<Message>
        // Waiting for one message would let the next overtake it.
        if (isLate(result)) throw new Error('schema: expected one that is not async')
        if (result.issues)
          throw new Error(`schema: ${result.issues.map(each => each.message).join()}`)
        accepted = result.value
      }
      // An id names one message, and one message may be published on several channels.
      if (dedupe && !dedupe.isNew(key(message), ownKey ? undefined : channel)) {
        return hooks.duplicate()
      }
    } catch (thrown) {
      return hooks.bad(thrown)
    }
    hooks.accepted(accepted, message)
  }
