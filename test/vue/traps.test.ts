// @vitest-environment happy-dom
/** What a newcomer does with the composables, and what must not come of it. */
import {
  createResilientWebSocket,
  type IncomingEnvelope,
  type ResilientWebSocket,
} from 'resilient-websocket'
import { createFakeNetwork } from 'resilient-websocket/testing'
import {
  provideResilientWebSocket,
  useResilientWebSocket,
  useSubscription,
  useWebSocket,
} from 'resilient-websocket/vue'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  createSSRApp,
  defineComponent,
  effectScope,
  h,
  nextTick,
  onMounted,
  ref,
  shallowRef,
} from 'vue'
import { renderToString } from 'vue/server-renderer'
import { createPage, macrotask, type Page } from './support.ts'

type Socket = ResilientWebSocket<IncomingEnvelope, { type: string }>

let page: Page
const dials = vi.fn()
const warn = vi.spyOn(console, 'warn')

beforeEach(() => {
  page = createPage()
  warn.mockReset().mockImplementation(() => {})
  // Whatever dials on its own, dials here.
  dials.mockReset()
  vi.stubGlobal(
    'WebSocket',
    class {
      constructor(url: string) {
        dials(url)
      }
    },
  )
})
afterEach(() => vi.unstubAllGlobals())

test.each(['given', 'provided'])(
  'a client that is still to come, %s, dials nothing',
  async name => {
    const socket = shallowRef<Socket | null>()
    const Below = defineComponent(() => {
      const given = name === 'given' ? { socket } : {}
      const connection = useResilientWebSocket(given)
      const { status } = useWebSocket(given)
      const quotes = useSubscription('A', undefined, given)
      onMounted(() => {
        connection.connect()
        connection.reconnect()
        connection.socket.value.connect()
      })
      return () =>
        `${connection.status.value} ${status.value} ${quotes.value.get('A')?.data ?? 'nothing'}`
    })
    page.mount(
      defineComponent(() => {
        if (name === 'provided') provideResilientWebSocket(socket)
        return () => h(Below)
      }),
    )
    await macrotask()
    expect(page.text()).toBe('CONNECTING CONNECTING nothing')
    socket.value = createResilientWebSocket<IncomingEnvelope, { type: string }>({
      environment: page.network.environment,
      url: 'ws://own.test',
    })
    const own = socket.value
    await nextTick()
    await page.accept()
    await page.receive({ type: 't', channel: 'A', data: 5 })
    await nextTick()
    expect(page.text()).toBe('OPEN OPEN 5')
    socket.value = null
    await nextTick()
    await macrotask()
    expect(page.text()).toBe('CONNECTING CONNECTING nothing')
    expect(own.status).toBe('OPEN')
    expect(dials).not.toHaveBeenCalled()
    own.close()
  },
)

test('a provider without a client dials nothing', async () => {
  const Below = defineComponent(() => {
    const { status } = useResilientWebSocket()
    return () => status.value
  })
  page.mount(
    defineComponent(() => {
      provideResilientWebSocket(undefined)
      return () => h(Below)
    }),
  )
  await macrotask()
  expect(page.text()).toBe('CONNECTING')
  expect(dials).not.toHaveBeenCalled()
})

test('outside of any scope it says what would end it', async () => {
  const { environment } = createFakeNetwork()
  const { socket, status } = useResilientWebSocket({ environment })
  expect(status.value).toBe('CONNECTING')
  expect(warn.mock.calls).toEqual([
    [
      'resilient-websocket: a composable was called outside of setup() and of any effectScope, perhaps after an await; nothing will ever close its connection. Call it before the first await, or in effectScope().run(), or use createResilientWebSocket() and close() it.',
    ],
  ])
  socket.value.close()
  warn.mockReset().mockImplementation(() => {})
  effectScope().run(() => useResilientWebSocket({ environment, url: 'ws://b.test' }))
  expect(warn).not.toHaveBeenCalled()
})

test('a component that comes while the connection is open says so at once', async () => {
  const { environment } = page.network
  const seen: string[] = []
  const Status = defineComponent(
    ({ name }: { name: string }) => {
      const { status, isConnected } = useResilientWebSocket({ environment })
      return () => {
        seen.push(`${name} ${status.value} ${isConnected.value}`)
        return null
      }
    },
    { props: ['name'] },
  )
  const two = ref(false)
  page.mount(() => [h(Status, { name: 'one' }), two.value ? h(Status, { name: 'two' }) : null])
  await page.accept()
  two.value = true
  await nextTick()
  await nextTick()
  expect(seen.filter(each => each.startsWith('two'))).toEqual(['two OPEN true'])
})

test('one that takes over what a server has rendered shows that first, while it is open elsewhere', async () => {
  const { environment } = page.network
  const seen: string[] = []
  const Status = defineComponent(() => {
    const { status } = useResilientWebSocket({ environment })
    return () => {
      seen.push(status.value)
      return h('p', status.value)
    }
  })
  const html = await renderToString(createSSRApp(() => [h(Status)]))
  const scope = effectScope()
  scope.run(() => useResilientWebSocket({ environment }))
  await page.accept()
  seen.length = 0
  page.element.innerHTML = html
  const app = createSSRApp(() => [h(Status)])
  app.mount(page.element)
  await nextTick()
  expect(seen).toEqual(['CONNECTING', 'OPEN'])
  expect(warn).not.toHaveBeenCalled()
  app.unmount()
  scope.stop()
})

test('channels that are not known yet listen to nothing, and the page stays', async () => {
  const { environment } = page.network
  const channels = ref<Parameters<typeof useSubscription>[0]>()
  page.mount(
    defineComponent(() => {
      const quotes = useSubscription(() => channels.value as never, undefined, { environment })
      return () => [...quotes.value.keys()].join()
    }),
  )
  await page.accept()
  for (const none of [null, false, '', [], [undefined]] as const) {
    channels.value = none
    await nextTick()
  }
  channels.value = ['A', null] as never
  await nextTick()
  await page.receive({ type: 't', channel: 'A', data: 1 })
  expect(page.text()).toBe('A')
  expect(page.network.socket().messages()).toMatchObject([
    { type: 'subscribe', data: { channels: ['A'] } },
  ])
})

test('a status callback gets the new status, and the change', () => {
  const { environment, socket } = createFakeNetwork()
  const heard: string[] = []
  const scope = effectScope()
  scope.run(() =>
    useResilientWebSocket({
      environment,
      onStatusChange: (status, { from, to }) => heard.push(`${status} ${from}>${to}`),
    }),
  )
  socket().open()
  expect(heard).toEqual(['CONNECTING CLOSED>CONNECTING', 'OPEN CONNECTING>OPEN'])
  scope.stop()
})
