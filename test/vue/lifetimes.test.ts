// @vitest-environment happy-dom
/** Components that wait, are thrown away before they are shown, or are kept while another one is shown. */
import { type UseResilientWebSocketOptions, useResilientWebSocket } from 'resilient-websocket/vue'
import { beforeEach, expect, test } from 'vitest'
import { defineComponent, effectScope, h, KeepAlive, nextTick, ref, Suspense } from 'vue'
import { createPage, macrotask, type Page } from './support.ts'

let page: Page
let environment: NonNullable<UseResilientWebSocketOptions['environment']>

beforeEach(() => {
  page = createPage()
  environment = page.network.environment
})

const live = (): number => page.network.sockets.filter(each => each.listeners() > 0).length
const ordersOf = (index: number): unknown[] =>
  (page.network.sockets[index]?.messages() ?? [])
    .filter(({ type }) => type === 'order')
    .map(({ data }) => data)

/** One function for whoever is logged in. */
const token = async (): Promise<string> => 'of whoever it is'

const Desk = defineComponent(
  ({ name }: { name: string }) => {
    const { sendMessage, status, lastMessage } = useResilientWebSocket({ environment, token })
    sendMessage({ type: 'order', data: name })
    return () => `${name} ${status.value} ${lastMessage.value?.data ?? 'nothing'}`
  },
  { props: ['name'] },
)

test('a component that is kept alive hands its client on to nobody who is shown instead', async () => {
  const user = ref('ann')
  page.mount(() => h(KeepAlive, () => h(Desk, { key: user.value, name: user.value })))
  await page.advance(0)
  await page.accept()
  await page.receive({ type: 'note', data: 'secret' })
  expect(page.text()).toBe('ann OPEN secret')

  user.value = 'bob'
  await nextTick()
  await page.advance(0)
  await page.accept()
  expect(page.text()).toBe('bob OPEN nothing')
  expect([ordersOf(0), ordersOf(1)]).toEqual([['ann'], ['bob']])

  // Both are still there, each with its own.
  user.value = 'ann'
  await nextTick()
  await macrotask()
  expect(page.text()).toBe('ann OPEN secret')
  expect([page.network.sockets.length, live()]).toEqual([2, 2])
})

test('what a component said that was thrown away before it was shown is sent by nobody else', async () => {
  const user = ref('ann')
  const Slow = defineComponent(
    async ({ name }: { name: string }) => {
      const { sendMessage } = useResilientWebSocket({ environment, token })
      sendMessage({ type: 'order', data: name })
      if (name === 'ann') await new Promise(() => {})
      return () => name
    },
    { props: ['name'] },
  )
  page.mount(() => h(Suspense, () => h(Slow, { key: user.value, name: user.value })))
  await nextTick()
  user.value = 'bob'
  await nextTick()
  await macrotask()
  await page.advance(0)
  await page.accept()
  expect(page.text()).toBe('bob')
  expect(ordersOf(0)).toEqual(['bob'])
})

test('a scope that has ended before its component was shown connects nothing', async () => {
  page.mount(
    defineComponent(() => {
      const scope = effectScope(true)
      scope.run(() => useResilientWebSocket({ environment }))
      scope.stop()
      return () => 'shown'
    }),
  )
  await page.advance(0)
  await macrotask()
  expect([page.text(), page.network.sockets.length]).toEqual(['shown', 0])
})
