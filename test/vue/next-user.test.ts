// @vitest-environment happy-dom
/** The next user of a page never acts as the one before; at a real server. */
import {
  type UseResilientWebSocketOptions,
  useResilientWebSocket,
  useSubscription,
} from 'resilient-websocket/vue'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type App, createApp, defineComponent, h, onMounted, ref } from 'vue'
import { type DeskServer, startDeskServer } from '../adapters/desk-server.ts'

let server: DeskServer
let element: HTMLElement
let app: App | undefined

beforeEach(async () => {
  server = await startDeskServer()
  element = document.body.appendChild(document.createElement('main'))
})

afterEach(async () => {
  app?.unmount()
  element.remove()
  await server.close()
})

const shown: string[] = []

const Desk = defineComponent(
  ({ user, given }: { user: string; given: UseResilientWebSocketOptions }) => {
    const options = { ...server.options, ...given }
    const { lastMessage, sendMessage, socket, status } = useResilientWebSocket(options)
    const notes = useSubscription(`of-${user}`, undefined, options)
    sendMessage({ type: 'order', data: `first of ${user}` })
    onMounted(() => {
      socket.value.send({ type: 'order', data: `second of ${user}` })
    })
    return () => {
      shown.push(`${user} ${lastMessage.value?.data}`)
      return `${user} ${status.value} ${notes.value.get(`of-${user}`)?.data}`
    }
  },
  { props: ['user', 'given'] },
)

test.each<[string, (user: string) => UseResilientWebSocketOptions]>([
  ['a token string', user => ({ token: `token-of-${user}` })],
  ['a token function', user => ({ token: async () => `token-of-${user}` })],
  ['an identity', user => ({ identity: user, token: async () => `token-of-${user}` })],
])('a changed key, with %s', async (_name, optionsOf) => {
  shown.length = 0
  const user = ref('ann')
  app = createApp(() =>
    h(Desk, { key: user.value, user: user.value, given: optionsOf(user.value) }),
  )
  app.mount(element)
  const until = (what: () => void): Promise<void> =>
    vi.waitFor(what, { timeout: 5000, interval: 5 })
  await until(() => expect(server.orders).toContain('ann: second of ann'))
  await server.tell('ann', 'secret')
  await until(() => expect(element.textContent).toBe('ann OPEN secret'))

  user.value = 'bob'
  await until(() => expect(server.orders).toContain('bob: second of bob'))
  await server.tell('bob', 'hello')
  await until(() => expect(element.textContent).toBe('bob OPEN hello'))

  expect([...server.orders]).toEqual([
    'ann: first of ann',
    'ann: second of ann',
    'bob: first of bob',
    'bob: second of bob',
  ])
  expect(shown).not.toContain('bob secret')
  expect(server.connections()).toBe(2)
})
