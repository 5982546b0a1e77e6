// @vitest-environment happy-dom
import { act, type ReactNode, StrictMode } from 'react'
import { hydrateRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { createResilientWebSocket } from 'resilient-websocket'
import { useResilientWebSocket, useSubscription } from 'resilient-websocket/react'
import { createFakeNetwork, type FakeNetwork } from 'resilient-websocket/testing'
import { afterEach, expect, test, vi } from 'vitest'
import { createPage, macrotask } from './support.tsx'

const createContent = (
  { environment }: FakeNetwork,
  socket = createResilientWebSocket({ environment, enabled: false }),
) =>
  function Content(): ReactNode {
    const { status, isConnected, lastMessage, connectionDuration, stateHistory } =
      useResilientWebSocket({ environment })
    const off = useResilientWebSocket({ environment, enabled: false, share: false })
    const own = useResilientWebSocket({ socket })
    const prices = useSubscription('A', undefined, { environment })
    return (
      <p>
        {status} {String(isConnected)} {String(lastMessage)} {connectionDuration}{' '}
        {stateHistory.length} {off.status} {own.status} {prices.size}
      </p>
    )
  }

const textOf = (html: string): string => html.replace(/<.*?>/g, '')

afterEach(() => vi.restoreAllMocks())

test('rendering on a server opens nothing and keeps nothing', async () => {
  const network = createFakeNetwork()
  // As in Node: there is no window.
  vi.stubGlobal('window', undefined)
  const timers = vi.spyOn(globalThis, 'setTimeout')
  const Content = createContent(network)
  const html = renderToString(<Content />)
  vi.unstubAllGlobals()
  expect(textOf(html)).toBe('CONNECTING false null 0 0 CLOSED CONNECTING 0')
  expect(network.sockets).toHaveLength(0)
  expect(network.clock.pending()).toBe(0)
  expect(timers).not.toHaveBeenCalled()
})

test('the browser takes the page over without a warning, also when it is connected already', async () => {
  const errors = vi.spyOn(console, 'error')
  const warnings = vi.spyOn(console, 'warn')
  const page = createPage()
  const { network, element } = page
  const socket = createResilientWebSocket({
    environment: network.environment,
    url: 'ws://own.test',
  })
  await page.accept()
  const Content = createContent(network, socket)
  const html = renderToString(<Content />)
  element.remove()

  // Another part of the page has connected before this one is taken over.
  const Early = (): ReactNode => useResilientWebSocket({ environment: network.environment }).status
  const early = createPage(network)
  await early.render(<Early />)
  await early.accept()
  await early.receive({ type: 't', data: 1 })

  const taken = document.body.appendChild(document.createElement('div'))
  taken.innerHTML = html
  const recovered = vi.fn()
  const root = await act(async () =>
    hydrateRoot(
      taken,
      <StrictMode>
        <Content />
      </StrictMode>,
      { onRecoverableError: recovered },
    ),
  )
  expect(taken.textContent).toBe('OPEN true [object Object] 0 2 CLOSED OPEN 0')
  expect(network.sockets).toHaveLength(2)
  expect(recovered).not.toHaveBeenCalled()
  expect(errors).not.toHaveBeenCalled()
  expect(warnings).not.toHaveBeenCalled()
  await act(async () => root.unmount())
  await macrotask()
  socket.close()
})
