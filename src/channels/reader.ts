/** One async iteration: what came and was not read yet, and the `next()` calls that wait for more. */
import { createFifo } from '../shared/fifo.ts'

export interface Reader<Message> {
  /** An iterator over what comes from its first `next()` on; an iterable, too. */
  readonly iterator: AsyncIterableIterator<Message, undefined>
  /** Listens from now on, if it does not yet. */
  start(): void
  push(message: Message, channel: string): void
  /** Nothing more comes: it ends when what waits is read. */
  end(): void
  /** Forgets what waits. */
  reset(): void
}

export interface ReaderHooks<Message> {
  /** Messages that wait at most; the oldest goes. */
  readonly bufferSize: number
  started(reader: Reader<Message>): void
  stopped(reader: Reader<Message>): void
  /** A message was dropped. `isNews`: it is the first one of its channel since the reader has read on. */
  overflow(channel: string, message: Message, isNews: boolean): void
}

interface Waiting<Message> {
  readonly message: Message
  readonly channel: string
}

export const createReader = <Message>(hooks: ReaderHooks<Message>): Reader<Message> => {
  const waiting = createFifo<Waiting<Message>>()
  let state: 'idle' | 'reading' | 'ended' | 'stopped' = 'idle'
  let wake = (): void => {}
  /** One `next()` at a time, in their order. */
  let last: Promise<unknown> = Promise.resolve()
  /** Channels that an overflow was told of, and how many messages are to be read until that is over. */
  const told = new Set<string>()
  let unread = 0

  const over: IteratorReturnResult<undefined> = { value: undefined, done: true }

  const reset = (): void => {
    waiting.clear()
    told.clear()
  }

  const stop = (): void => {
    state = 'stopped'
    reset()
    hooks.stopped(reader)
    wake()
  }

  /** Takes a message late, not when it comes: until then another user may have begun, who must not read it. */
  const take = async (): Promise<IteratorResult<Message, undefined>> => {
    while (state !== 'stopped') {
      const entry = waiting.shift()
      if (entry) {
        if (--unread < 0) told.clear()
        return { value: entry.message, done: false }
      }
      if (state === 'ended') stop()
      else {
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    }
    return over
  }

  const reader: Reader<Message> = {
    start() {
      if (state !== 'idle') return
      state = 'reading'
      hooks.started(reader)
    },
    push(message, channel) {
      waiting.push({ message, channel })
      if (waiting.length > hooks.bufferSize) {
        const oldest = waiting.shift() as Waiting<Message>
        unread--
        const isNews = !told.has(oldest.channel)
        if (isNews) {
          told.add(oldest.channel)
          unread = waiting.length
        }
        hooks.overflow(oldest.channel, oldest.message, isNews)
      }
      wake()
    },
    end() {
      if (state === 'idle') stop()
      if (state === 'reading') state = 'ended'
      wake()
    },
    reset,
    iterator: {
      next() {
        reader.start()
        const next = last.then(take)
        last = next
        return next
      },
      return() {
        if (state !== 'stopped') stop()
        return Promise.resolve(over)
      },
      [Symbol.asyncIterator]() {
        return this
      },
    },
  }
  return reader
}
