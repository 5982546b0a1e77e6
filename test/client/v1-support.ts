import type { FakeSocket } from 'resilient-websocket/testing'
import { type Story, start } from './support.ts'

type Options = Parameters<typeof start>[0]
export type Wire = Record<string, unknown> & { data: Record<string, unknown> }

/** What the client sent on this socket, of one type. */
export const sentOf = (socket: FakeSocket, type: string): Wire[] =>
  socket.messages().filter(message => message['type'] === type) as Wire[]

/** The application messages that the client sent on this socket, as `seq type`. */
export const sequence = (socket: FakeSocket): string[] =>
  (socket.messages() as Wire[])
    .filter(({ seq, type }) => seq !== undefined || type === 'skip')
    .map(({ seq, type, data }) => (type === 'skip' ? `${data['seq']} skip` : `${seq} ${type}`))

export interface V1Story extends Story {
  /** The newest socket opens, and a server of protocol v1 greets. */
  greet(data?: object): void
  /** It answers the `hello`. */
  welcome(data?: object): void
  /** Both. */
  agree(data?: object): Promise<void>
  receive(type: string, data: unknown, more?: object): void
  hello(): Wire
  /** `gap` and `recovered` events, in words. */
  readonly told: string[]
}

export const startV1 = (options: Options = {}): V1Story => {
  const story = start(options)
  const { network, socket, clock } = story
  const told: string[] = []
  socket.on('gap', ({ channel, reason }) => told.push(`gap ${channel ?? '*'} ${reason}`))
  socket.on('recovered', ({ channel, replayed }) => told.push(`recovered ${channel} ${replayed}`))
  const v1: V1Story = {
    ...story,
    told,
    receive: (type, data, more = {}) => network.socket().receive({ type, data, ...more }),
    greet(data = {}) {
      network.socket().open()
      v1.receive('connection', { protocol: 1, ...data })
    },
    welcome: (data = {}) => v1.receive('welcome', { tok: 'tok', ack: 0, channels: {}, ...data }),
    async agree(data) {
      v1.greet()
      v1.welcome(data)
      await clock.settle()
    },
    hello: () => sentOf(network.socket(), 'hello')[0] as Wire,
  }
  return v1
}

/** What a server says of a channel; all is well. */
export const verdict = (epoch: string, offset: number, more: object = {}): object => ({
  epoch,
  offset,
  recovered: true,
  replayed: 0,
  ...more,
})

/** The data of everything that was delivered. */
export const ticks = (story: V1Story): unknown[] => story.messages.map(({ data }) => data)
