/** `ready` of a subscription: settles once the server has answered for each of its channels. */
import { ResilientWebSocketError } from '../errors.ts'

/** The records of channels, as far as `ready` looks at them. */
interface ChannelFacts {
  get(name: string): { readonly onServer: string; readonly refusal: Error | undefined } | undefined
}

export interface Ready {
  readonly promise: Promise<void>
  /** The server has accepted a channel. */
  confirmed(channel: string): void
  /** The server has declined a channel. */
  declined(error: Error): void
  /** Settles it, if the server has answered for each channel or declined one, or the subscription has ended. */
  check(): void
  /** Every channel has to be answered for anew. */
  restart(): void
}

export interface ReadyDeps {
  readonly names: readonly string[]
  readonly channels: ChannelFacts
  /** The subscription has not ended. */
  isActive(): boolean
  onSettled(error: Error | undefined): void
}

export const createReady = ({ names, channels, isActive, onSettled }: ReadyDeps): Ready => {
  /** Channels without an answer; `undefined`: it is settled. */
  let missing: Set<string> | undefined
  let resolve = (): void => {}
  let reject = (_error: Error): void => {}
  const promise = new Promise<void>((...executor) => {
    ;[resolve, reject] = executor
  })

  const settle = (error?: Error): void => {
    missing = undefined
    onSettled(error)
    if (error) reject(error)
    else resolve()
  }

  const refusal = (): Error | undefined => {
    for (const name of missing ?? []) {
      const error = channels.get(name)?.refusal
      if (error) return error
    }
    return undefined
  }

  return {
    promise,
    confirmed(channel) {
      if (missing?.delete(channel) && !missing.size) settle()
    },
    declined(error) {
      if (missing) settle(error)
    },
    check() {
      if (!missing) return
      const error = refusal()
      if (!missing.size) settle()
      else if (error) settle(error)
      else if (!isActive()) {
        settle(new ResilientWebSocketError('CLOSED', 'The subscription ended'))
      }
    },
    restart() {
      missing = new Set(names.filter(name => channels.get(name)?.onServer !== 'confirmed'))
    },
  }
}
