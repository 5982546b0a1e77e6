// @vitest-environment happy-dom
import { type ReactNode, StrictMode } from 'react'
import { useResilientWebSocket } from 'resilient-websocket/react'
import { expect, test } from 'vitest'
import { createPage, macrotask } from './support.tsx'

test('a component shows the connection as it goes', async () => {
  const page = createPage()
  const { environment } = page.network
  const Status = (): ReactNode => {
    const { status } = useResilientWebSocket({ environment })
    return status
  }
  await page.render(<Status />)
  expect(page.text()).toBe('CONNECTING')
  await page.accept()
  expect(page.text()).toBe('OPEN')
  await page.lose()
  expect(page.text()).toBe('RECONNECTING')
  await page.unmount()
  await macrotask()
  expect(page.network.clock.pending()).toBe(0)
})

test('StrictMode dials once', async () => {
  const page = createPage()
  const { environment } = page.network
  const Status = (): ReactNode => useResilientWebSocket({ environment }).status
  await page.render(
    <StrictMode>
      <Status />
      <Status />
    </StrictMode>,
  )
  await page.accept()
  await macrotask()
  expect(page.text()).toBe('OPENOPEN')
  expect(page.network.sockets).toHaveLength(1)
})
