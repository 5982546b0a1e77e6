// @vitest-environment happy-dom
/** Each framework of docs/recipes/stores.md: a subscriber that comes late sees what is, and then what changes. */
import { readFileSync } from 'node:fs'
import { act, createElement } from 'react'
import { createRoot } from 'react-dom/client'
import type { ResilientWebSocket, Snapshot } from 'resilient-websocket'
import { createServer } from 'resilient-websocket/server'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { runExample } from './bundle-example.ts'

const page = readFileSync('docs/recipes/stores.md', 'utf8')

/** The TypeScript block below a heading. */
const exampleOf = (heading: string): string => {
  const [, section = ''] = page.split(`\n## ${heading}\n`)
  const [, code = ''] = /```ts\n([\s\S]*?)```/.exec(section) ?? []
  return code
}

const server = createServer({ port: 0, host: '127.0.0.1', allowMissingOrigin: true })
const original = globalThis.WebSocket
Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true })
let url = ''
let socket: ResilientWebSocket | undefined

beforeAll(async () => {
  ;({ url } = await server.listen())
  globalThis.WebSocket = WebSocket as unknown as typeof globalThis.WebSocket
})
afterEach(() => socket?.close())
afterAll(async () => {
  globalThis.WebSocket = original
  await server.close()
})

/** Runs the example and waits until its client is connected. */
const run = async (heading: string, external: string[] = []): Promise<Record<string, unknown>> => {
  const name = `stores-${heading.toLowerCase().replace(/\W+/g, '-')}`
  const exported = await runExample(exampleOf(heading), {
    url,
    name,
    external,
    conditions: ['browser'],
  })
  socket = exported['socket'] as ResilientWebSocket
  await expect.poll(() => socket?.getSnapshot().phase).toBe('ready')
  return exported
}

test('React', async () => {
  const { useConnection } = await run('React, without the hooks', ['react'])
  const container = document.createElement('div')
  const root = createRoot(container)
  const Status = () => createElement('p', null, (useConnection as () => Snapshot)().status)
  await act(() => root.render(createElement(Status)))
  expect(container.textContent).toBe('OPEN')
  await act(() => socket?.disconnect())
  expect(container.textContent).toBe('CLOSED')
  await act(() => root.unmount())
})

test('Svelte', async () => {
  const { connection } = await run('Svelte')
  const seen: string[] = []
  type Store = { subscribe(run: (value: Snapshot) => void): () => void }
  const unsubscribe = (connection as Store).subscribe(({ status }) => seen.push(status))
  expect(seen.at(-1)).toBe('OPEN')
  socket?.disconnect()
  expect(seen.at(-1)).toBe('CLOSED')
  unsubscribe()
})

test('Solid', async () => {
  const { connection } = await run('Solid')
  const current = (connection as () => () => Snapshot)()
  expect(current().status).toBe('OPEN')
  socket?.disconnect()
  expect(current().status).toBe('CLOSED')
})

test('Angular', async () => {
  const { connection } = await run('Angular')
  expect((connection as () => Snapshot)().status).toBe('OPEN')
  socket?.disconnect()
  expect((connection as () => Snapshot)().status).toBe('CLOSED')
})

test('Zustand', async () => {
  const { prices } = await run('Zustand, Redux, Pinia')
  const { getState } = prices as { getState(): Record<string, unknown> }
  await expect
    .poll(() => socket?.metrics()['recovered'] ?? socket?.getSnapshot().phase)
    .toBeTruthy()
  await server.publish('AAPL', { type: 'market_data', data: { price: 227.52 } })
  await expect.poll(getState).toEqual({ AAPL: { price: 227.52 } })
})
