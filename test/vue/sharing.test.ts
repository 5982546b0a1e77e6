// @vitest-environment happy-dom
/** Which components share a client, and which never do. */
import type { IncomingEnvelope } from 'resilient-websocket'
import {
  type UseResilientWebSocketOptions,
  useResilientWebSocket,
  useSubscription,
} from 'resilient-websocket/vue'
import { beforeEach, expect, test } from 'vitest'
import { computed, defineComponent, effectScope, h, nextTick, reactive, ref } from 'vue'
import { createPage, macrotask, type Page } from './support.ts'

let page: Page
let environment: NonNullable<UseResilientWebSocketOptions['environment']>
const shown: string[] = []

beforeEach(() => {
  page = createPage()
  environment = page.network.environment
  shown.length = 0
})

const dialed = (): number => page.network.sockets.length
const live = (): number => page.network.sockets.filter(each => each.listeners() > 0).length
const said = (index: number, type: string): unknown[] =>
  (page.network.sockets[index]?.messages() ?? [])
    .filter(message => message.type === type)
    .map(({ data }) => data)
const tokensOf = (index: number): unknown[] =>
  said(index, 'auth').map(data => (data as { token: string }).token)

const Desk = defineComponent(
  ({ name, options }: { name: string; options: UseResilientWebSocketOptions }) => {
    const { status, lastMessage, sendMessage } = useResilientWebSocket({ environment, ...options })
    sendMessage({ type: 'order', data: name })
    return () => {
      shown.push(`${name} ${status.value} ${lastMessage.value?.data ?? 'nothing'}`)
      return status.value
    }
  },
  { props: ['name', 'options'] },
)

/** Shows one, and then another one in its place. */
const replace = async (
  before: UseResilientWebSocketOptions,
  after: UseResilientWebSocketOptions,
): Promise<void> => {
  const second = ref(false)
  page.mount(() =>
    second.value
      ? h(Desk, { key: 'bob', name: 'bob', options: after })
      : h(Desk, { key: 'ann', name: 'ann', options: before }),
  )
  await page.advance(0)
  await page.accept()
  await page.receive({ type: 'note', data: 'secret' })
  second.value = true
  await nextTick()
  await macrotask()
}

const asked = (token: string) => async () => token

test.each<[string, UseResilientWebSocketOptions, UseResilientWebSocketOptions]>([
  ['another token', { token: 'ann' }, { token: 'bob' }],
  ['token functions', { token: asked('ann') }, { token: asked('bob') }],
  ['a token after none', {}, { token: 'bob' }],
  ['no token after one', { token: 'ann' }, {}],
  ['another identity', { identity: 'ann' }, { identity: 'bob' }],
  ['an identity after none', {}, { identity: 'bob' }],
])('a changed key, %s: the next user gets a client of its own', async (_name, ann, bob) => {
  await replace(ann, bob)
  await page.advance(0)
  await page.accept()
  expect([dialed(), live()]).toEqual([2, 1])
  expect([said(0, 'order'), said(1, 'order')]).toEqual([['ann'], ['bob']])
  expect(shown.filter(each => each.startsWith('bob') && each.includes('secret'))).toEqual([])
})

test.each<[string, UseResilientWebSocketOptions]>([
  ['nothing that names a user', {}],
  ['an equal token', { token: 'ann' }],
  ['an equal identity, and functions', { identity: () => 'ann', token: asked('ann') }],
])('a changed key, %s: the client is used again', async (_name, options) => {
  await replace(options, options)
  expect([dialed(), live()]).toEqual([1, 1])
  expect(shown.at(-1)).toBe('bob OPEN secret')
})

test('a token that changes, as a ref or a prop, is told to the server without reconnecting', async () => {
  const token = ref('one')
  const props = reactive({ environment, token: 'one', share: false })
  page.mount(
    defineComponent(() => {
      useResilientWebSocket({ environment, token })
      useResilientWebSocket(props as never)
      return () => null
    }),
  )
  for (const socket of page.network.sockets) {
    socket.open()
    socket.receive({ type: 'connection', data: {} })
  }
  token.value = props.token = 'two'
  await nextTick()
  expect([tokensOf(0), tokensOf(1)]).toEqual([
    ['one', 'two'],
    ['one', 'two'],
  ])
  expect(dialed()).toBe(2)
})

test('a computed token is read, and whoever comes with a new one finds the same client', async () => {
  const session = ref({ token: 'one' })
  const more = ref(false)
  const Panel = defineComponent(() => {
    const { status } = useResilientWebSocket({ environment, token: session.value.token })
    return () => status.value
  })
  page.mount(
    defineComponent(() => {
      useResilientWebSocket({ environment, token: computed(() => session.value.token) })
      return () => (more.value ? h(Panel) : null)
    }),
  )
  await page.accept()
  session.value = { token: 'two' }
  more.value = true
  await nextTick()
  await macrotask()
  expect([dialed(), live()]).toEqual([1, 1])
  expect(tokensOf(0)).toEqual(['one', 'two'])
})

test('a user and the token of that user that change one after the other are never mixed', async () => {
  const user = ref<string | null>('ann')
  const token = ref<string | undefined>('of ann')
  page.mount(
    defineComponent(() => {
      const { status } = useResilientWebSocket({ environment, identity: user, token })
      return () => status.value
    }),
  )
  await page.accept()
  token.value = 'of bob'
  user.value = 'bob'
  await nextTick()
  await page.accept()
  user.value = null
  token.value = undefined
  await nextTick()
  await page.accept()
  await macrotask()
  expect([0, 1, 2].map(tokensOf)).toEqual([['of ann'], ['of bob'], []])
  expect([dialed(), live()]).toEqual([3, 1])
})

test('a token that comes with `enabled` is the first one', async () => {
  const token = ref<string>()
  const scope = effectScope()
  scope.run(() =>
    useResilientWebSocket({ environment, token, enabled: () => token.value !== undefined }),
  )
  expect(dialed()).toBe(0)
  token.value = 'ann'
  await page.accept()
  expect([dialed(), tokensOf(0)]).toEqual([1, ['ann']])
  scope.stop()
})

test('components with token functions share while one before is there', async () => {
  const more = ref(false)
  const quote: IncomingEnvelope = { type: 't', channel: 'A', data: 5 }
  const Price = defineComponent(() => {
    const quotes = useSubscription('A', undefined, { environment, token: asked('ann') })
    return () => String(quotes.value.get('A')?.data)
  })
  const options = { token: asked('ann') }
  page.mount(() => [
    h(Desk, { key: 'one', name: 'one', options }),
    more.value ? h(Desk, { key: 'two', name: 'two', options: { token: asked('ann') } }) : null,
    h(Price),
  ])
  await page.advance(0)
  await page.accept()
  await page.receive(quote)
  more.value = true
  await nextTick()
  await nextTick()
  await macrotask()
  expect([dialed(), live()]).toEqual([1, 1])
  expect(page.text()).toBe('OPENOPEN5')
  expect([...new Set(shown.filter(each => each.startsWith('two')))]).toEqual([
    'two OPEN nothing',
    'two OPEN 5',
  ])
})

test('a cyclic option is refused by its name', () => {
  const cyclic: Record<string, unknown> = {}
  cyclic['self'] = cyclic
  const scope = effectScope()
  expect(() =>
    scope.run(() => useResilientWebSocket({ environment, reconnect: cyclic } as never)),
  ).toThrow('reconnect.self: expected the name of an option')
  expect(() =>
    scope.run(() => useResilientWebSocket({ environment, token: cyclic } as never)),
  ).toThrow('token: expected string or function, got an object')
  scope.stop()
})
