/** A page with React on it, a network and a clock in the hands of the test. */
import { act, type ReactNode } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { createFakeNetwork, type FakeNetwork } from 'resilient-websocket/testing'
import { afterEach } from 'vitest'

declare global {
  var IS_REACT_ACT_ENVIRONMENT: boolean
}
globalThis.IS_REACT_ACT_ENVIRONMENT = true

export interface Page {
  readonly network: FakeNetwork
  readonly element: HTMLElement
  readonly root: Root
  render(node: ReactNode): Promise<void>
  /** Takes everything off the page and puts this on it, in one task. */
  remount(node: ReactNode): Promise<void>
  unmount(): Promise<void>
  /** The newest socket opens, and a plain server greets. */
  accept(): Promise<void>
  /** Frames arrive in one task. */
  receive(...frames: unknown[]): Promise<void>
  /** The link breaks. */
  lose(): Promise<void>
  advance(ms: number): Promise<void>
  text(): string
}

const pages: Page[] = []

/** What is released one macrotask later has been released. */
export const macrotask = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5))

export const createPage = (network: FakeNetwork = createFakeNetwork()): Page => {
  const element = document.body.appendChild(document.createElement('main'))
  const root = createRoot(element)
  const page: Page = {
    network,
    element,
    root,
    render: node => act(async () => root.render(node)),
    async remount(node) {
      act(() => root.render(null))
      act(() => root.render(node))
      await act(async () => {})
    },
    unmount: () => act(async () => root.unmount()),
    accept: () =>
      act(async () => {
        network.socket().open()
        network.socket().receive({ type: 'connection', data: {} })
      }),
    receive: (...frames) =>
      act(async () => {
        for (const frame of frames) network.socket().receive(frame)
      }),
    lose: () => act(async () => network.socket().close(1006)),
    advance: ms => act(() => network.clock.advance(ms)),
    text: () => element.textContent ?? '',
  }
  pages.push(page)
  return page
}

afterEach(async () => {
  for (const page of pages.splice(0)) {
    await page.unmount()
    page.element.remove()
  }
  await macrotask()
})
