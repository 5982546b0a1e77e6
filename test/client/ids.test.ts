/** Ids that the client gives to messages. */
import { createResilientWebSocket } from 'resilient-websocket'
import { createFakeNetwork } from 'resilient-websocket/testing'
import { expect, test } from 'vitest'

const idsOf = (count: number, getRandomValues?: (bytes: Uint8Array) => void): string[] => {
  const { environment } = createFakeNetwork()
  const socket = createResilientWebSocket({
    enabled: false,
    environment: { ...environment, ...(getRandomValues && { getRandomValues }) },
    queue: { limit: count },
  })
  const ids = Array.from({ length: count }, () => socket.send({ type: 'order' }).id)
  socket.close()
  return ids
}

test('no two of many are the same, and each has 21 characters', () => {
  const ids = idsOf(5000)
  expect(new Set(ids).size).toBe(5000)
  expect(ids.every(id => /^[\w-]{21}$/.test(id))).toBe(true)
})

test('random bytes are asked for once for 64 ids, and none is used twice', () => {
  let byte = 0
  let calls = 0
  const ids = idsOf(640, bytes => {
    calls++
    for (let at = 0; at < bytes.length; at++) {
      // Changes every 21 bytes at the latest.
      bytes[at] = Math.floor(byte++ / 21) % 64
    }
  })
  expect(calls).toBe(10)
  expect(ids.slice(0, 64).every((id, at) => at === 0 || id !== ids[at - 1])).toBe(true)
})
