import {
  createResilientWebSocket,
  type Delivery,
  type IncomingEnvelope,
  type RawData,
  type ResilientWebSocket,
  raw,
  type StateChange,
  type Status,
} from 'resilient-websocket'
import { describeConnection, type IndicatorStrings } from 'resilient-websocket/indicator'
import {
  type LegacyStatus,
  ResilientWebSocketProvider,
  useResilientWebSocket,
  useSubscription,
  useWebSocket,
} from 'resilient-websocket/react'
import {
  provideResilientWebSocket,
  useResilientWebSocket as useVueResilientWebSocket,
  useSubscription as useVueSubscription,
  useWebSocket as useVueWebSocket,
} from 'resilient-websocket/vue'
import { expectTypeOf, test } from 'vitest'
import { type ComputedRef, createApp, ref, type ShallowRef } from 'vue'

interface Tick {
  readonly type: 'tick'
  readonly data: number
}
interface Order {
  readonly type: 'order'
  readonly data: { readonly symbol: string }
}

test('hooks without type arguments speak envelopes', () => {
  const connection = useResilientWebSocket()
  expectTypeOf(connection.status).toEqualTypeOf<Status>()
  expectTypeOf(connection.lastMessage).toEqualTypeOf<IncomingEnvelope | null>()
  expectTypeOf(connection.messages).toEqualTypeOf<readonly IncomingEnvelope[]>()
  expectTypeOf(connection.stateHistory).toEqualTypeOf<readonly StateChange[]>()
  expectTypeOf(connection.connectionDuration).toEqualTypeOf<number>()
  expectTypeOf(connection.sendMessage({ type: 'x' })).toEqualTypeOf<Delivery>()
  expectTypeOf(useSubscription('A')).toEqualTypeOf<ReadonlyMap<string, IncomingEnvelope>>()
  expectTypeOf(useWebSocket().status).toEqualTypeOf<LegacyStatus>()
  // @ts-expect-error: an envelope has a type
  connection.sendMessage({ data: 1 })
  // @ts-expect-error: read-only
  connection.status = 'OPEN'
  // @ts-expect-error: the older hook has no history
  useWebSocket().stateHistory
})

test('hooks with type arguments say what comes and goes', () => {
  const connection = useResilientWebSocket<Tick, Order>({
    url: new URL('ws://a.test'),
    onMessage: ({ data }) => expectTypeOf(data).toEqualTypeOf<number>(),
    onBatch: batch => expectTypeOf(batch).toEqualTypeOf<readonly Tick[]>(),
    onStatusChange(status, change) {
      expectTypeOf(status).toEqualTypeOf<Status>()
      expectTypeOf(change).toEqualTypeOf<StateChange>()
    },
    onError: undefined,
  })
  expectTypeOf(connection.socket).toEqualTypeOf<ResilientWebSocket<Tick, Order>>()
  expectTypeOf(connection.lastMessage).toEqualTypeOf<Tick | null>()
  // @ts-expect-error: not an order
  connection.sendMessage({ type: 'tick', data: 1 })
  const ticks = useSubscription<Tick>(['A', 'B'], ({ data }) =>
    expectTypeOf(data).toEqualTypeOf<number>(),
  )
  expectTypeOf(ticks.get('A')).toEqualTypeOf<Tick | undefined>()
})

test('hooks take the options of the client and their types', () => {
  const frames = useResilientWebSocket({ protocol: raw(), share: false })
  expectTypeOf(frames.lastMessage).toEqualTypeOf<RawData | null>()
  frames.sendMessage('text')
  // @ts-expect-error: raw frames are no objects
  frames.sendMessage({ type: 'x' })
  const socket = createResilientWebSocket<Tick, Order>({ enabled: false })
  expectTypeOf(useResilientWebSocket({ socket }).lastMessage).toEqualTypeOf<Tick | null>()
  // @ts-expect-error: no such option
  useResilientWebSocket({ onMesage: () => {} })
  // @ts-expect-error: not a client
  useResilientWebSocket({ socket: new WebSocket('ws://a.test') })
  // @ts-expect-error: a provider needs its client
  void (<ResilientWebSocketProvider />)
})

test('what is not known yet may be said so', () => {
  const socket: ResilientWebSocket | null = null
  useResilientWebSocket({ socket, identity: null })
  useResilientWebSocket({ socket: undefined, identity: undefined })
  useSubscription(undefined)
  useSubscription(['A', null, false])
  void (<ResilientWebSocketProvider socket={socket} />)
  const token = ref<string>()
  const user = ref<string | null>(null)
  useVueResilientWebSocket({ token, identity: user, socket: ref(null) })
  useVueResilientWebSocket({ token: () => 'asked', identity: () => user.value })
  useVueSubscription(() => user.value && `orders-of-${user.value}`)
  provideResilientWebSocket(() => socket)
  // @ts-expect-error: a name
  useResilientWebSocket({ identity: 7 })
  // @ts-expect-error: a token is a string
  useVueResilientWebSocket({ token: ref(7) })
})

test('JSX knows the indicator', () => {
  const socket = createResilientWebSocket<Tick, Order>({ enabled: false })
  void (<connection-status client={socket} className="badge" />)
  // @ts-expect-error: not a client
  void (<connection-status client="ws://a.test" />)
})

test('composables have the same as refs', () => {
  const url = ref('ws://a.test')
  const connection = useVueResilientWebSocket<Tick, Order>({
    url,
    enabled: () => url.value !== '',
    onMessage: ({ data }) => expectTypeOf(data).toEqualTypeOf<number>(),
  })
  expectTypeOf(connection.status).toEqualTypeOf<ComputedRef<Status>>()
  expectTypeOf(connection.messages).toEqualTypeOf<ComputedRef<readonly Tick[]>>()
  expectTypeOf(connection.socket).toEqualTypeOf<
    Readonly<ShallowRef<ResilientWebSocket<Tick, Order>>>
  >()
  expectTypeOf(useVueWebSocket().status.value).toEqualTypeOf<LegacyStatus>()
  expectTypeOf(useVueSubscription<Tick>(() => ['A']).value.get('A')).toEqualTypeOf<
    Tick | undefined
  >()
  provideResilientWebSocket(connection.socket.value, createApp({}))
  // @ts-expect-error: not an order
  connection.sendMessage({ type: 'tick', data: 1 })
  // @ts-expect-error: read-only
  connection.status.value = 'OPEN'
  // @ts-expect-error: no such option
  useVueResilientWebSocket({ onMesage: () => {} })
})

test('the indicator takes any client, and words in part', () => {
  const element = document.createElement('connection-status')
  element.client = createResilientWebSocket<Tick, Order>({ enabled: false })
  element.client = undefined
  element.strings = { retry: 'Jetzt' }
  expectTypeOf(element.strings).toEqualTypeOf<Partial<IndicatorStrings>>()
  const socket = createResilientWebSocket<Tick, Order>({ enabled: false })
  expectTypeOf(describeConnection(socket.getSnapshot()).color).toEqualTypeOf<
    'green' | 'yellow' | 'blue' | 'red'
  >()
  // @ts-expect-error: not a client
  element.client = 'ws://a.test'
  // @ts-expect-error: no such word
  element.strings = { tryAgain: 'Jetzt' }
})
