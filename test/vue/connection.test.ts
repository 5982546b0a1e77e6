// @vitest-environment happy-dom
import { createResilientWebSocket, type IncomingEnvelope } from 'resilient-websocket'
import { createFakeNetwork } from 'resilient-websocket/testing'
import {
  provideResilientWebSocket,
  useResilientWebSocket,
  useSubscription,
  useWebSocket,
} from 'resilient-websocket/vue'
import { expect, test, vi } from 'vitest'
import { computed, createSSRApp, defineComponent, effectScope, h, nextTick, ref } from 'vue'
import { renderToString } from 'vue/server-renderer'
import { createPage, macrotask } from './support.ts'

const tick = (n: number): IncomingEnvelope => ({ type: 'tick', data: n, id: `t${n}` })

test('a component shows the connection as it goes, and its end ends the connection', async () => {
  const page = createPage()
  const { environment } = page.network
  const app = page.mount(
    defineComponent(() => {
      const { status, isConnected } = useResilientWebSocket({ environment })
      return () => `${status.value} ${isConnected.value}`
    }),
  )
  expect(page.text()).toBe('CONNECTING false')
  await page.accept()
  expect(page.text()).toBe('OPEN true')
  await page.lose()
  expect(page.text()).toBe('RECONNECTING false')
  app.unmount()
  await macrotask()
  expect(page.network.clock.pending()).toBe(0)
  expect(page.network.page.listeners()).toBe(0)
})

test('components share one connection through mount, unmount and remount', async () => {
  const page = createPage()
  const { environment } = page.network
  const shown = ref(true)
  const Status = defineComponent(() => {
    const { status } = useResilientWebSocket({ environment })
    return () => status.value
  })
  const Price = defineComponent(() => {
    const prices = useSubscription('A', undefined, { environment })
    return () => String(prices.value.get('A')?.data)
  })
  page.mount(() => (shown.value ? [h(Status), h(Status), h(Price)] : null))
  await page.accept()
  expect(page.text()).toBe('OPENOPENundefined')
  shown.value = false
  await nextTick()
  shown.value = true
  await nextTick()
  await macrotask()
  expect(page.text()).toBe('OPENOPENundefined')
  expect(page.network.sockets).toHaveLength(1)
  expect(page.network.socket().closedByClient).toBeUndefined()
})

test('a component that reads only the status renders for nothing else', async () => {
  const page = createPage()
  const { environment } = page.network
  const renders: string[] = []
  page.mount(
    defineComponent(() => {
      const { status } = useResilientWebSocket({ environment })
      return () => {
        renders.push(status.value)
        return status.value
      }
    }),
  )
  await page.accept()
  for (let n = 0; n < 100; n++) {
    await page.receive(tick(n))
    await page.advance(10)
  }
  await page.lose()
  expect(renders).toEqual(['CONNECTING', 'OPEN', 'RECONNECTING'])
})

test('lastMessage and messages change once per batch window, onMessage hears each', async () => {
  const page = createPage()
  const { environment } = page.network
  const heard: unknown[] = []
  const renders: unknown[] = []
  page.mount(
    defineComponent(() => {
      const { lastMessage, messages } = useResilientWebSocket({
        environment,
        onMessage: ({ data }) => heard.push(data),
      })
      return () => {
        renders.push([lastMessage.value?.data, messages.value.map(({ data }) => data)])
        return null
      }
    }),
  )
  await page.accept()
  for (let n = 0; n < 5; n++) await page.receive(tick(n))
  await page.advance(150)
  expect(heard).toEqual([0, 1, 2, 3, 4])
  expect(renders).toEqual([
    [undefined, []],
    [0, [0]],
    [4, [1, 2, 3, 4]],
  ])
})

test('without batches each message is a batch of one', async () => {
  const page = createPage()
  const { environment } = page.network
  const seen: unknown[] = []
  page.mount(
    defineComponent(() => {
      const { messages } = useResilientWebSocket({ environment, batch: false })
      return () => void seen.push(messages.value.map(({ data }) => data))
    }),
  )
  await page.accept()
  await page.receive(tick(1))
  await nextTick()
  await page.receive(tick(2))
  await nextTick()
  expect(seen).toEqual([[], [1], [2]])
})

test('the duration counts on once a second, and only while somebody reads it', async () => {
  const page = createPage()
  const { environment } = page.network
  const renders: number[] = []
  const shown = ref(true)
  const Duration = defineComponent(() => {
    const { connectionDuration } = useResilientWebSocket({ environment })
    return () => void renders.push(connectionDuration.value)
  })
  const Status = defineComponent(() => {
    const { status } = useResilientWebSocket({ environment })
    return () => status.value
  })
  page.mount(() => [h(Status), shown.value ? h(Duration) : null])
  await page.accept()
  await page.advance(0)
  for (let n = 0; n < 30; n++) {
    await page.receive(tick(n))
    await page.advance(100)
  }
  expect(renders).toHaveLength(4)
  expect(renders.at(-1)).toBeGreaterThanOrEqual(2000)
  const ticking = page.network.clock.pending()
  shown.value = false
  await nextTick()
  expect(page.network.clock.pending()).toBe(ticking - 1)
})

test('url and enabled may be refs', async () => {
  const page = createPage()
  const { environment } = page.network
  const url = ref('ws://a.test')
  const enabled = ref(false)
  page.mount(
    defineComponent(() => {
      const { status } = useResilientWebSocket({ environment, url, enabled })
      return () => status.value
    }),
  )
  expect(page.text()).toBe('CLOSED')
  expect(page.network.sockets).toHaveLength(0)
  enabled.value = true
  await page.accept()
  expect(page.text()).toBe('OPEN')
  url.value = 'ws://b.test'
  await nextTick()
  expect(page.text()).toBe('CONNECTING')
  await macrotask()
  expect(page.network.sockets.map(each => each.url)).toEqual(['ws://a.test', 'ws://b.test'])
  expect(page.network.sockets[0]?.closedByClient?.code).toBe(1000)
  enabled.value = false
  await macrotask()
  await nextTick()
  expect(page.text()).toBe('CLOSED')
})

test('a provided client is used below, and left alone', async () => {
  const network = createFakeNetwork()
  const page = createPage(network)
  const socket = createResilientWebSocket({ environment: network.environment })
  const Child = defineComponent(() => {
    const { status, socket: used } = useResilientWebSocket()
    return () => `${status.value} ${used.value === socket}`
  })
  const app = page.mount(
    defineComponent(() => {
      provideResilientWebSocket(socket)
      return () => h(Child)
    }),
  )
  await page.accept()
  expect(page.text()).toBe('OPEN true')
  app.unmount()
  await macrotask()
  expect(socket.status).toBe('OPEN')
  socket.close()
})

test('a scope outside of components works at once, and ends with the scope', async () => {
  const { environment, socket, sockets } = createFakeNetwork()
  const scope = effectScope()
  const heard = vi.fn()
  const { status } = scope.run(() =>
    useResilientWebSocket({ environment, onStatusChange: heard }),
  ) as ReturnType<typeof useResilientWebSocket>
  expect(status.value).toBe('CONNECTING')
  socket().open()
  expect(status.value).toBe('OPEN')
  expect(heard).toHaveBeenCalledTimes(2)
  scope.stop()
  await macrotask()
  expect(sockets[0]?.closedByClient?.code).toBe(1000)
})

test('the older composable knows five statuses', async () => {
  const page = createPage()
  const { environment } = page.network
  page.network.onDial = dialed => queueMicrotask(() => dialed.fail())
  const seen = new Set<string>()
  page.mount(
    defineComponent(() => {
      const { status } = useWebSocket({
        environment,
        reconnect: { maxAttempts: 1, jitter: 0 },
      })
      return () => void seen.add(status.value)
    }),
  )
  await page.advance(5000)
  expect([...seen]).toEqual(['CONNECTING', 'DISCONNECTED'])
})

test('channels may change: the kept ones keep their newest message', async () => {
  const page = createPage()
  const { environment } = page.network
  const channels = ref(['A', 'B'])
  const heard: unknown[] = []
  page.mount(
    defineComponent(() => {
      const hear = ({ data }: IncomingEnvelope, channel: string): unknown =>
        heard.push(`${channel} ${data}`)
      const newest = useSubscription(channels, hear, { environment })
      return () => JSON.stringify([...newest.value].map(([name, { data }]) => [name, data]))
    }),
  )
  await page.accept()
  await page.receive({ type: 't', channel: 'A', data: 1 }, { type: 't', channel: 'B', data: 2 })
  await page.advance(150)
  expect(page.text()).toBe('[["A",1],["B",2]]')
  channels.value = ['B', 'C']
  await nextTick()
  await page.advance(0)
  expect(page.text()).toBe('[["B",2]]')
  expect(heard).toEqual(['A 1', 'B 2'])
  const told = page.network
    .socket()
    .messages()
    .map(({ type, data }) => [type, data])
  expect(told).toEqual([
    ['subscribe', { channels: ['A', 'B'] }],
    ['unsubscribe', { channels: ['A'] }],
    ['subscribe', { channels: ['C'] }],
  ])
})

test('a server opens nothing, and the browser takes its page over without a warning', async () => {
  const warn = vi.spyOn(console, 'warn')
  const error = vi.spyOn(console, 'error')
  const page = createPage()
  const { environment } = page.network
  const Page = defineComponent(() => {
    const { status, lastMessage, attempt } = useResilientWebSocket({ environment })
    const off = useResilientWebSocket({ environment, enabled: false, share: false })
    const prices = useSubscription('A', undefined, { environment })
    return () =>
      h('p', [
        `${status.value} ${lastMessage.value} ${attempt.value} ${off.status.value} ${prices.value.size}`,
      ])
  })
  const html = await renderToString(createSSRApp(Page))
  expect(html).toBe('<p>CONNECTING null 0 CLOSED 0</p>')
  expect(page.network.sockets).toHaveLength(0)

  // Somebody else on the page is connected before the page is taken over.
  const scope = effectScope()
  scope.run(() => useResilientWebSocket({ environment }))
  await page.accept()
  page.element.innerHTML = html
  const app = createSSRApp(Page)
  app.mount(page.element)
  await nextTick()
  expect(page.text()).toBe('OPEN null 0 CLOSED 0')
  expect(warn).not.toHaveBeenCalled()
  expect(error).not.toHaveBeenCalled()
  app.unmount()
  scope.stop()
  vi.restoreAllMocks()
})

const quote = (channel: string, data: unknown): IncomingEnvelope => ({ type: 'q', channel, data })
const shownOf = (quotes: ReadonlyMap<string, IncomingEnvelope>): string =>
  [...quotes].map(([channel, { data }]) => `${channel}=${data}`).join()

test('a change of the channel list shows what had come inside the window, and keeps what stays', async () => {
  const page = createPage()
  const { environment } = page.network
  const channels = ref(['A', 'B'])
  page.mount(
    defineComponent(() => {
      const quotes = useSubscription(channels, undefined, { environment })
      return () => shownOf(quotes.value)
    }),
  )
  await page.accept()
  await page.receive(quote('A', 1))
  await page.receive(quote('B', 5), quote('A', 2))
  expect(page.text()).toBe('A=1')
  channels.value = ['A', 'C']
  await nextTick()
  expect(page.text()).toBe('A=2')
  await page.advance(1000)
  expect(page.text()).toBe('A=2')
  await page.receive(quote('C', 7))
  expect(page.text()).toBe('A=2,C=7')
})

test('another identity sees nothing of what the former one has received', async () => {
  const page = createPage()
  const socket = createResilientWebSocket({ environment: page.network.environment })
  socket.setIdentity('alice')
  page.mount(
    defineComponent(() => {
      const quotes = useSubscription('A', undefined, { socket })
      return () => shownOf(quotes.value)
    }),
  )
  await page.accept()
  await page.receive(quote('A', 'first'))
  await page.receive(quote('A', 'secret'))
  socket.setIdentity('bob')
  await nextTick()
  expect(page.text()).toBe('')
  await page.advance(1000)
  expect(page.text()).toBe('')
  socket.close()
})

test('who comes later to a quiet channel sees its newest message', async () => {
  const page = createPage()
  const { environment } = page.network
  const Quotes = defineComponent(() => {
    const quotes = useSubscription('A', undefined, { environment })
    return () => `${shownOf(quotes.value)} `
  })
  const two = ref(false)
  page.mount(defineComponent(() => () => [h(Quotes), two.value && h(Quotes)]))
  await page.accept()
  await page.receive(quote('A', 5))
  two.value = true
  await nextTick()
  await nextTick()
  expect(page.text()).toBe('A=5 A=5 ')
})

test('whoever reads only connectionDuration renders once a second, whatever else changes', async () => {
  const page = createPage()
  const { environment } = page.network
  let renders = 0
  let send = (_n: number): unknown => undefined
  page.mount(
    defineComponent(() => {
      const { connectionDuration, sendMessage } = useResilientWebSocket({ environment })
      send = data => sendMessage({ type: 'order', data })
      return () => {
        renders++
        return String(Math.round(connectionDuration.value / 1000))
      }
    }),
  )
  await page.accept()
  await page.advance(1000)
  renders = 0
  for (let n = 0; n < 200; n++) send(n)
  for (let n = 0; n < 40; n++) await page.advance(50)
  expect(page.text()).toBe('3')
  expect(renders).toBe(2)
})

test('a url that follows props is a computed; a function is asked on every dial and not tracked', async () => {
  const page = createPage()
  const { environment } = page.network
  const room = ref('one')
  page.mount(
    defineComponent(() => {
      useResilientWebSocket({ environment, url: () => `ws://asked.test/${room.value}` })
      useResilientWebSocket({
        environment,
        url: computed(() => `ws://computed.test/${room.value}`),
      })
      return () => null
    }),
  )
  const dialed = (): string[] => page.network.sockets.map(({ url }) => url)
  await page.advance(0)
  expect(dialed()).toEqual(['ws://asked.test/one', 'ws://computed.test/one'])
  room.value = 'two'
  await page.advance(0)
  expect(dialed().slice(2)).toEqual(['ws://computed.test/two'])
  page.network.sockets[0]?.close(1006)
  await page.advance(5000)
  expect(dialed().slice(3)).toEqual(['ws://asked.test/two'])
})
