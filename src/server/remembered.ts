/** A message as brokers keep it: as its text. */
import type { WireMessage } from '../protocol/wire-types.ts'
import type { Published } from './broker.ts'

/**
 * Its message is read from the text when somebody asks: the object that was published may be another one by then, and
 * most readers want only the text. A class, since an object with a getter of its own would cost every publication more
 * than all the rest.
 */
export class Remembered implements Published {
  readonly channel: string
  readonly epoch: string
  readonly offset: number
  readonly text: string

  constructor(channel: string, epoch: string, offset: number, text: string) {
    this.channel = channel
    this.epoch = epoch
    this.offset = offset
    this.text = text
  }

  get message(): WireMessage {
    return JSON.parse(this.text)
  }
}
