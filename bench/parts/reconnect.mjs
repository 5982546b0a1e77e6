// What losing a connection and getting another one costs, 500 times, on a virtual clock.
import { cpuMicroseconds, heapBytes, loadInMemory, URL_OF_NOBODY } from '../clients/in-memory.mjs'
import { middle } from '../middle.mjs'
import { installVirtualClock } from '../virtual-clock.mjs'
import { BY_HAND, OTHER_CLIENTS, OURS } from './rows.mjs'

/** Until its code is compiled: that is heap, too. */
const WARM_UP = 1000
const RECONNECTS = 500
/** The middle one of them counts: what is compiled meanwhile is heap, too. */
const SERIES = 5
/** So long a connection lives: all forget their failed attempts by then. */
const LIFE_MS = 6000
const STEP_MS = 1000
const MAX_STEPS = 120

export const part = {
  name: 'reconnect',
  title: 'Reconnecting 500 times',
  about:
    'One client loses its connection 500 times, after 6 s each, and dials again after its own default delay (by hand: after 1 s); each new connection is greeted and brings one message. On a virtual clock and scripted sockets: CPU time is what the client does, not how long it waits. Kept: heap after 500 reconnects beyond the heap before them, the middle one of five series, after 1,000 to warm up. Some of it is code that the engine compiles meanwhile. Ours keeps the ids of the last messages (`dedupe.size`).',
  maxRounds: 3,
  rows: [BY_HAND, ...OTHER_CLIENTS, ...OURS],
  columns: [
    {
      metric: 'us',
      title: 'µs of CPU a reconnect',
      digits: 0,
      compare: 'ratio',
      chart: 'a reconnect',
    },
    { metric: 'kept', title: 'bytes kept after 500', digits: 0, compare: 'none' },
  ],
}

export const measure = async name => {
  const clock = installVirtualClock()
  let socket
  const { contender, wire, WebSocket, sockets } = await loadInMemory(name, {
    onDial(dialled) {
      socket = dialled
      sockets.length = 0
    },
  })
  let received = 0
  let opened = 0
  contender.connect({
    url: URL_OF_NOBODY,
    WebSocket,
    onMessage: () => received++,
    onOpen: () => opened++,
  })

  let number = 0
  const reconnect = async times => {
    for (let left = times; left; left--) {
      const lost = socket
      lost.lost(1006)
      for (let step = 0; socket === lost; step++) {
        if (step === MAX_STEPS) throw new Error(`${name} does not dial again`)
        await clock.advance(STEP_MS)
      }
      await clock.advance(LIFE_MS)
      socket.say(wire.message(++number))
      await clock.settle()
    }
  }

  await clock.advance(LIFE_MS)
  await reconnect(WARM_UP)
  const costs = []
  const growths = []
  for (let left = SERIES; left; left--) {
    const heap = heapBytes()
    const before = cpuMicroseconds()
    await reconnect(RECONNECTS)
    costs.push((cpuMicroseconds() - before) / RECONNECTS)
    growths.push(heapBytes() - heap)
  }
  if (received !== number || opened < number) {
    throw new Error(`${name}: expected ${number} messages, got ${received}, and ${opened} openings`)
  }
  return { us: middle(costs), kept: middle(growths) }
}
