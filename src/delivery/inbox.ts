/** What an incoming message passes before the application sees it: schema, then dedupe. */
import type { Schema, SchemaResult } from '../options/schema.ts'
import { isLate } from '../shared/promises.ts'
import type { Dedupe } from './dedupe.ts'

export interface InboxDeps<Message> {
  readonly schema: Schema<Message> | undefined
  readonly key: (message: Message) => unknown
  readonly dedupe: Dedupe | undefined
  /** The application says itself what names a message. */
  readonly ownKey: boolean
  /** `given` is the message as it came; `answers`: the id of the message that it answers, where it does not say so. */
  accepted(message: Message, given: Message, answers?: string): void
  /** It is not delivered. */
  dropped(reason: 'duplicate' | 'schema', message: Message, key?: unknown): void
  bad(error: unknown): void
}

/** Takes one message; what is wrong with it goes to `bad`, and is never thrown. */
export type Inbox<Message> = (message: Message, answers?: string) => void

const channelOf = (message: unknown): string | undefined => {
  const { channel } = (message ?? {}) as { readonly channel?: unknown }
  return typeof channel === 'string' ? channel : undefined
}

export const createInbox = <Message>({
  schema,
  dedupe,
  ownKey,
  ...deps
}: InboxDeps<Message>): Inbox<Message> => {
  const keyOf = (message: Message): unknown => {
    try {
      return deps.key(message)
    } catch (error) {
      // A message without a key suppresses nothing, and is delivered.
      deps.bad(error)
      return undefined
    }
  }

  /** The message as the schema makes it; `undefined` if `bad` got what is wrong with it. */
  const checked = (message: Message, rules: Schema<Message>): { value: Message } | undefined => {
    try {
      const result = rules['~standard'].validate(message) as SchemaResult<Message>
      // Waiting for one message would let the next overtake it.
      if (isLate(result)) throw new Error('schema: expected one that is not async')
      if (!result.issues) return result
      throw new Error(`schema: ${result.issues.map(each => each.message).join()}`)
    } catch (error) {
      deps.dropped('schema', message)
      deps.bad(error)
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
        return deps.dropped('duplicate', message, key)
      }
    }
    deps.accepted(accepted, message, answers)
  }
}
