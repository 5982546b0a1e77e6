/** A page with Vue on it, a network and a clock in the hands of the test. */
import type { IncomingEnvelope } from 'resilient-websocket'
import { createFakeNetwork, type FakeNetwork } from 'resilient-websocket/testing'
import { afterEach } from 'vitest'
import { type App, type Component, createApp, nextTick } from 'vue'

export interface Page {
  readonly network: FakeNetwork
  readonly element: HTMLElement
  mount(component: Component): App
  /** The newest socket opens, and a plain server greets. */
  accept(): Promise<void>
  /** Frames arrive in one task. */
  receive(...frames: IncomingEnvelope[]): Promise<void>
  /** The link breaks. */
  lose(): Promise<void>
  advance(ms: number): Promise<void>
  text(): string
}

/** What is released one macrotask later has been released. */
export const macrotask = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5))

const cleanups: (() => void)[] = []

export const createPage = (network: FakeNetwork = createFakeNetwork()): Page => {
  const element = document.body.appendChild(document.createElement('main'))
  return {
    network,
    element,
    mount(component) {
      const app = createApp(component)
      app.mount(element)
      cleanups.push(() => app.unmount())
      return app
    },
    async accept() {
      network.socket().open()
      network.socket().receive({ type: 'connection', data: {} })
      await nextTick()
    },
    async receive(...frames) {
      for (const frame of frames) network.socket().receive(frame)
      await nextTick()
    },
    async lose() {
      network.socket().close(1006)
      await nextTick()
    },
    async advance(ms) {
      await network.clock.advance(ms)
      await nextTick()
    },
    text: () => element.textContent ?? '',
  }
}

afterEach(async () => {
  for (const clean of cleanups.splice(0)) clean()
  document.body.innerHTML = ''
  await macrotask()
})
