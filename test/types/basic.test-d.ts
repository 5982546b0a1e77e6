import {
  createResilientWebSocket,
  json,
  polling,
  raw,
  requests,
  subscriptions,
} from 'resilient-websocket/basic'
import { expectTypeOf, test } from 'vitest'

test('a client of /basic has the methods of the parts that it uses, and no others', () => {
  const bare = createResilientWebSocket({ protocol: json() })
  expectTypeOf(bare).not.toHaveProperty('subscribe')
  expectTypeOf(bare).not.toHaveProperty('request')
  expectTypeOf(bare.send).parameter(0).toExtend<{ readonly type: string }>()

  const both = createResilientWebSocket({ protocol: json(), use: [subscriptions(), requests()] })
  expectTypeOf(both).toHaveProperty('subscribe')
  expectTypeOf(both).toHaveProperty('request')

  const frames = createResilientWebSocket({ protocol: raw() })
  expectTypeOf(frames.lastMessage).toEqualTypeOf<string | ArrayBuffer | null>()
})

test('options of a part are there only with the part', () => {
  createResilientWebSocket({ protocol: json(), use: [polling()], fallback: { intervalMs: 1 } })
  createResilientWebSocket({ protocol: json(), fallback: false })
  // @ts-expect-error there is no polling()
  createResilientWebSocket({ protocol: json(), fallback: { intervalMs: 1 } })
  // @ts-expect-error there is no default protocol
  createResilientWebSocket({})
})
