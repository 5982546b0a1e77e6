// @vitest-environment happy-dom
import 'resilient-websocket/indicator'
import { type ReactNode, StrictMode, Suspense, use } from 'react'
import { useResilientWebSocket, useSubscription, useWebSocket } from 'resilient-websocket/react'
import { expect, test } from 'vitest'
import { createPage, macrotask } from './support.tsx'

test('hooks, an indicator and a subscription on one page are one connection, whatever comes and goes', async () => {
  const page = createPage()
  const { environment } = page.network
  const options = { environment, url: 'ws://page.test/ws' }
  let load = (): void => {}
  const loaded = new Promise<string>(resolve => {
    load = () => resolve('loaded')
  })

  const Header = (): ReactNode => {
    const { socket } = useResilientWebSocket(options)
    return <connection-status client={socket} />
  }
  const Panel = (): ReactNode => useWebSocket({ ...options, onMessage: () => {} }).status
  const Price = ({ channel }: { channel: string }): ReactNode =>
    String(useSubscription(channel, () => {}, options).get(channel)?.data)
  const Slow = (): ReactNode => {
    const { status } = useResilientWebSocket(options)
    return `${use(loaded)} ${status}`
  }
  const Page = ({ channel }: { channel: string }): ReactNode => (
    <StrictMode>
      <Header />
      <Panel />
      <Price key={channel} channel={channel} />
      <Suspense>
        <Slow />
      </Suspense>
    </StrictMode>
  )
  const indicator = (): string | undefined =>
    page.element.querySelector('connection-status')?.dataset['status']

  await page.render(<Page channel="A" />)
  expect(page.network.sockets).toHaveLength(1)
  expect(indicator()).toBe('CONNECTING')
  await page.accept()
  expect(indicator()).toBe('OPEN')
  await page.render(<Page channel="B" />)
  load()
  await page.receive({ type: 'quote', channel: 'B', data: 5 })
  expect(page.text()).toBe('OPEN5loaded OPEN')
  await page.remount(<Page channel="A" />)
  await macrotask()
  expect(indicator()).toBe('OPEN')
  expect(page.network.sockets).toHaveLength(1)
  expect(page.network.socket().closedByClient).toBeUndefined()
  expect(
    page.network
      .socket()
      .messages()
      .map(({ type, data }) => [type, data]),
  ).toEqual([
    ['subscribe', { channels: ['A'] }],
    ['unsubscribe', { channels: ['A'] }],
    ['subscribe', { channels: ['B'] }],
    ['unsubscribe', { channels: ['B'] }],
    ['subscribe', { channels: ['A'] }],
  ])

  await page.render(null)
  await macrotask()
  expect(page.network.socket().closedByClient?.code).toBe(1000)
  expect(page.network.socket().listeners()).toBe(0)
  expect(page.network.clock.pending()).toBe(0)
})
