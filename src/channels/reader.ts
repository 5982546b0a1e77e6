/** One async iteration: messages that came and were not read yet, and the `next()` calls that wait for more. */
import { createFifo, type Fifo } from '../shared/fifo.ts'

export interface Reader<Message> {
  /** An iterator over the messages from its first `next()` on; an iterable, too. */
  readonly iterator: AsyncIterableIterator<Message, undefined>
  /** Listens from now on, if it does not yet. */
  start(): void
  push(message: Message, channel: string): void
  /** No more messages come: it ends once those that wait are read. */
  end(): void
  /** Forgets the messages that wait. */
  reset(): void
}

export interface ReaderDeps<Message> {
  /** Messages that wait at most; the oldest goes. */
  readonly bufferSize: number
  onStarted(reader: Reader<Message>): void
  onStopped(reader: Reader<Message>): void
  /** A message was dropped. `isNews`: it is the first one of its channel since the reader has read on. */
  onOverflow(channel: string, message: Message, isNews: boolean): void
}

interface Waiting<Message> {
  readonly message: Message
  readonly channel: string
}

const SETTLED = /* @__PURE__ */ Promise.resolve()
const OVER: IteratorReturnResult<undefined> = { value: undefined, done: true }

export const createReader = <Message>(deps: ReaderDeps<Message>): Reader<Message> => {
  /** Made for the first message: most readers that wait for `ready` never get one. */
  let waiting: Fifo<Waiting<Message>> | undefined
  let state: 'idle' | 'reading' | 'ended' | 'stopped' = 'idle'
  let wake = (): void => {}
  /** One `next()` at a time, in their order. */
  let last: Promise<unknown> = SETTLED
  /** Channels whose overflow was reported, and how many messages are to be read until that is over. */
  let overflowed: Set<string> | undefined
  let unread = 0

  const reset = (): void => {
    waiting = overflowed = undefined
  }

  const stop = (): void => {
    state = 'stopped'
    reset()
    deps.onStopped(reader)
    wake()
  }

  /** Takes a message late, not when it comes: until then another user may have begun, who must not read it. */
  const take = async (): Promise<IteratorResult<Message, undefined>> => {
    while (state !== 'stopped') {
      const entry = waiting?.shift()
      if (entry) {
        if (--unread < 0) overflowed = undefined
        return { value: entry.message, done: false }
      }
      if (state === 'ended') stop()
      else {
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    }
    return OVER
  }

  const dropOldest = (all: Fifo<Waiting<Message>>): void => {
    const { channel, message } = all.shift() as Waiting<Message>
    unread--
    overflowed ??= new Set()
    const isNews = !overflowed.has(channel)
    if (isNews) {
      overflowed.add(channel)
      unread = all.length
    }
    deps.onOverflow(channel, message, isNews)
  }

  const reader: Reader<Message> = {
    start() {
      if (state !== 'idle') return
      state = 'reading'
      deps.onStarted(reader)
    },
    push(message, channel) {
      waiting ??= createFifo()
      waiting.push({ message, channel })
      if (waiting.length > deps.bufferSize) dropOldest(waiting)
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
        return Promise.resolve(OVER)
      },
      [Symbol.asyncIterator]() {
        return this
      },
    },
  }
  return reader
}
