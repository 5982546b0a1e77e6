// 10,000 clients lose their server at one moment: how many dial in the same tenth of a second? On a virtual clock.
import { loadInMemory, URL_OF_NOBODY } from '../clients/in-memory.mjs'
import { installVirtualClock } from '../virtual-clock.mjs'
import { BY_HAND, OTHER_CLIENTS, OURS } from './rows.mjs'

const COUNT = 10_000
const LIFE_MS = 10_000
const OUTAGE_MS = 60_000
const BUCKET_MS = 100

export const part = {
  name: 'throng',
  title: '10,000 clients thrown off at once',
  about:
    'All lose their connection at one moment, after 10 s of it, and nothing answers for 60 s. Each library dials by its own default delays (by hand: after 1 s), driven by a virtual clock; chance is seeded anew each round. `reconnecting-websocket` draws its shortest delay once a page, when it is loaded: each client here is given a draw of its own by the same formula. Spread: from the moment at which 5 % of the first redials are made to that of 95 %.',
  maxRounds: 2,
  rows: [BY_HAND, ...OTHER_CLIENTS, ...OURS.slice(0, 1)],
  columns: [
    {
      metric: 'first',
      title: 'first redials in the fullest 100 ms',
      digits: 0,
      compare: 'none',
      chart: '10,000 thrown off at once',
    },
    {
      metric: 'spread',
      title: 'spread of the first redials, ms',
      digits: 0,
      compare: 'none',
      better: 'higher',
    },
    {
      metric: 'worst',
      title: 'redials in the fullest 100 ms of the outage',
      digits: 0,
      compare: 'none',
    },
    { metric: 'dials', title: 'redials a client in 60 s', digits: 1, compare: 'none' },
  ],
}

/** mulberry32: the same draws in each run. */
const seeded = seed => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

const fullest = times => {
  const buckets = new Map()
  for (const time of times) {
    const bucket = Math.floor(time / BUCKET_MS)
    buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1)
  }
  return Math.max(0, ...buckets.values())
}

export const measure = async (name, round) => {
  Math.random = seeded(round + 1)
  const clock = installVirtualClock()
  let isAway = false
  let thrownAt = 0
  /** Of each client. */
  const firsts = new Map()
  const redials = []
  const onDial = socket => {
    if (!isAway) return
    const at = clock.now() - thrownAt
    redials.push(at)
    const client = socket.url
    if (!firsts.has(client)) firsts.set(client, at)
  }
  const { contender, WebSocket, sockets } = await loadInMemory(name, {
    refuses: () => isAway,
    onDial,
  })
  let opened = 0
  for (let index = 0; index < COUNT; index++) {
    // Its host says which client dials: libraries change paths and queries.
    const url = URL_OF_NOBODY.replace('127.0.0.1', `c${index}.example`)
    contender.connect({ url, WebSocket, onMessage() {}, onOpen: () => opened++ })
  }
  await clock.advance(LIFE_MS)
  if (opened !== COUNT) throw new Error(`${name}: ${opened} of ${COUNT} clients opened`)

  isAway = true
  thrownAt = clock.now()
  for (const socket of sockets.splice(0)) socket.lost(1006)
  await clock.advance(OUTAGE_MS)

  const times = [...firsts.values()].sort((a, b) => a - b)
  if (times.length !== COUNT) throw new Error(`${name}: ${times.length} of ${COUNT} dialled again`)
  const at = share => times[Math.floor(share * (COUNT - 1))]
  return {
    first: fullest(times),
    spread: at(0.95) - at(0.05),
    worst: fullest(redials),
    dials: redials.length / COUNT,
  }
}
