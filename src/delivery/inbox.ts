/** What an incoming message passes before the application sees it: schema, then dedupe. */
import type { Schema, SchemaResult } from '../options/schema.ts'
import { isLate } from '../shared/promises.ts'
import type { Dedupe } from './dedupe.ts'

export interface InboxHooks<Message> {
  readonly schema: Schema<Message> | undefined
  readonly key: (message: Message) => unknown
  readonly dedupe: Dedupe | undefined
  /** The application says itself what names a message. */
  readonly ownKey: boolean
  /** `given` is the message as it came; `answers`: the id of the message that it answers, where it does not say so. */
  accepted(message: Message, given: Message, answers?: string): void
  /** It is not delivered. */
  dropped(reason: 'duplicate' | 'schema', message: Message, key?: unknown): void
  bad(thrown: unknown): void
}

/** Takes one message; what is wrong with it is told to `bad`, and never thrown. */
export type Inbox<Message> = (message: Message, answers?: string) => void

const channelOf = (message: unknown): string | undefined => {
  const { channel } = (message ?? {}) as { readonly channel?: unknown }
  return typeof channel === 'string' ? channel : undefined
}

export const createInbox = <Message>({
  schema,
  dedupe,
  ownKey,
  ...hooks
}: InboxHooks<Message>): Inbox<Message> => {
  const keyOf = (message: Message): unknown => {
    try {
      return hooks.key(message)
    } catch (thrown) {
      // What cannot be named suppresses nothing, and is lost to nobody.
      hooks.bad(thrown)
      return undefined
    }
  }

  /** The message as the schema makes it; `undefined` if it has told what is wrong with it. */
  const checked = (message: Message, rules: Schema<Message>): { value: Message } | undefined => {
    try {
      const result = rules['~standard'].validate(message) as SchemaResult<Message>
      // Waiting for one message would let the next overtake it.
      if (isLate(result)) throw new Error('schema: expected one that is not async')
      if (!result.issues) return result
      throw new Error(`schema: ${result.issues.map(each => each.message).join()}`)
    } catch (thrown) {
      hooks.dropped('schema', message)
      hooks.bad(thrown)
      return undefined
    }
  }

  return (message, answers) => {
    let accepted = message
    if (schema) {
      const result = checked(message, schema)
      if (!result) return
      accepted = result.value
    }
    if (dedupe) {
      const key = keyOf(message)
      // An id names one message, and one message may be published on several channels.
      if (!dedupe.isNew(key, ownKey ? undefined : channelOf(message))) {
        return hooks.dropped('duplicate', message, key)
      }
    }
    hooks.accepted(accepted, message, answers)
  }
}
