/** A published message as brokers keep it: as its JSON text. */
import type { WireMessage } from '../../protocol/wire-types.ts'
import type { Published } from './broker.ts'

/**
 * `message` is parsed from the text at each access: the object that was published may have changed since, and
 * most readers use only the text. A class, since an object literal with a getter would cost each publication more
 * than all the rest.
 */
export class StoredMessage implements Published {
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
