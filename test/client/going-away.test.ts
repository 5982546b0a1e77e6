/** Firefox closes the sockets of a page with 1001 when a link is clicked, also one to a download, which leaves the page as it is. */
import { createResilientWebSocket } from 'resilient-websocket'
import { createFakeNetwork } from 'resilient-websocket/testing'
import { describe, expect, test } from 'vitest'
import { type Story, start } from './support.ts'

const open = (options: Parameters<typeof start>[0] = {}): Story => {
  const story = start({ reconnect: { jitter: 0 }, ...options })
  story.accept()
  return story
}

const dials = async ({ clock, network }: Story): Promise<number> => {
  await clock.advance(0)
  return network.sockets.length
}

describe('a link that ends with 1001 under a page that is seen', () => {
  test('is dialed at once', async () => {
    const story = open()
    story.network.socket().close(1001)
    expect(await dials(story)).toBe(2)
    story.accept()
    expect(story.statuses).toEqual(['CONNECTING', 'OPEN', 'RECONNECTING', 'OPEN'])
  })

  test('is dialed at once only once until it was stable', async () => {
    const story = open()
    story.network.socket().close(1001)
    await dials(story)
    story.accept()
    await story.clock.advance(4999)
    story.network.socket().close(1001)
    expect(await dials(story)).toBe(2)
    await story.clock.advance(4000)
    story.accept()
    await story.clock.advance(5000)
    story.network.socket().close(1001)
    expect(await dials(story)).toBe(4)
  })

  test('goes back to the usual delays where that dial fails', async () => {
    const story = open()
    story.network.socket().close(1001)
    await dials(story)
    story.network.socket().fail()
    expect(await dials(story)).toBe(2)
    await story.clock.advance(4000)
    expect(story.network.sockets).toHaveLength(3)
  })

  test('waits as long as reconnect.when says', async () => {
    const story = open({ reconnect: { when: () => 700 } })
    story.network.socket().close(1001)
    await story.clock.advance(699)
    expect(await dials(story)).toBe(1)
    await story.clock.advance(1)
    expect(await dials(story)).toBe(2)
  })
})

describe('a link that ends with 1001 has the usual delay', () => {
  test('where the page is hidden', async () => {
    const story = open()
    story.network.page.setHidden(true)
    story.network.socket().close(1001)
    expect(await dials(story)).toBe(1)
  })

  test('where the page is left, until it is shown again', async () => {
    const story = open()
    story.network.page.emit('pagehide', { persisted: false })
    story.network.socket().close(1001)
    expect(await dials(story)).toBe(1)
    await story.clock.advance(2000)
    story.accept()
    story.network.page.emit('pageshow', { persisted: true })
    story.network.socket().close(1001)
    expect(await dials(story)).toBe(3)
  })

  test('where it has a reason, which only a server can give', async () => {
    const story = open()
    story.network.socket().close(1001, 'The server is going away')
    expect(await dials(story)).toBe(1)
  })

  test('where it never opened', async () => {
    const story = start({ reconnect: { jitter: 0 } })
    story.network.socket().close(1001)
    expect(await dials(story)).toBe(1)
  })

  test('where there is no page: then it is the server that goes away, for all its clients at once', async () => {
    const { environment, sockets, socket: newest, clock } = createFakeNetwork()
    const { page, ...rest } = environment
    const socket = createResilientWebSocket({ environment: rest })
    newest().open()
    newest().close(1001)
    await clock.advance(0)
    expect(sockets).toHaveLength(1)
    socket.close()
  })

  test.each([1000, 1005, 1006, 1012])('and %i always has', async code => {
    const story = open()
    story.network.socket().close(code)
    expect(await dials(story)).toBe(1)
  })
})
