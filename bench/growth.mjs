// How the cost of a client grows with the size of its input: what is done for 50,000 of something should cost
// 50 times as much as for 1,000, not 2,500 times.
//   npm run bench:growth                     all cases, on what was built
//   node bench/growth.mjs subscribe          the cases whose name contains this
//   DIST=../elsewhere/dist SIZES=1000,5000 node bench/growth.mjs    another build, for a comparison, and other sizes
//
// A case is a name and a function `prepare(count)`. It sets up what is not measured and returns what is: a function
// that may return a promise. Add a case by adding a line to CASES.
import { resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { pathToFileURL } from 'node:url'

const DIST = resolve(process.env.DIST ?? new URL('../dist', import.meta.url).pathname)
const { createResilientWebSocket } = await import(pathToFileURL(`${DIST}/index.js`))

const SIZES = (process.env.SIZES ?? '1000,10000,50000').split(',').map(Number)
const ROUNDS = 3
/** A case that takes longer is not measured with more. */
const LONGEST_MS = 20_000

/** A client whose rate and queue are no limit, and the far end of its socket. */
const connect = (options = {}) => {
  let far
  class Fake {
    readyState = 1
    bufferedAmount = 0
    listeners = {}
    constructor() {
      far = this
    }
    addEventListener(type, listener) {
      this.listeners[type] = listener
    }
    removeEventListener() {}
    send(frame) {
      this.sent?.(frame)
    }
    close() {}
  }
  const client = createResilientWebSocket({
    heartbeat: false,
    fallback: false,
    ...options,
    queue: { ratePerSecond: 1e9, limit: 1e9, maxBytes: 1e12, ...options.queue },
    environment: { WebSocket: Fake },
  })
  const hear = message => far.listeners.message({ data: JSON.stringify(message) })
  return {
    client,
    far,
    hear,
    /** The link opens, and a plain server greets. */
    open() {
      far.listeners.open({})
      hear({ type: 'connection', data: {} })
    },
    /** The link opens, and a server of protocol v1 greets that answers every `subscribe`. */
    openV1() {
      far.sent = frame => {
        for (const { type, id, data } of [JSON.parse(frame)].flat()) {
          if (type === 'subscribe') answer(id, data.channels)
          if (type === 'hello') welcome(data.channels)
        }
      }
      far.listeners.open({})
      hear({ type: 'connection', data: { protocol: 1 } })
    },
  }

  function verdicts(asked) {
    const verdict = { epoch: 'e', offset: 0, recovered: true, replayed: 0 }
    return Object.fromEntries(Object.keys(asked).map(channel => [channel, verdict]))
  }
  // Later, as a server would: not while the client writes.
  function answer(id, asked) {
    queueMicrotask(() => {
      hear({ type: 'subscribed', replyTo: id, data: { channels: verdicts(asked) } })
    })
  }
  function welcome(asked) {
    queueMicrotask(() => {
      hear({ type: 'welcome', data: { tok: 't', ack: 0, channels: verdicts(asked) } })
    })
  }
}

const names = count => Array.from({ length: count }, (_, number) => `channel-${number}`)

/** N messages that wait. */
const fill = (client, count, options) => {
  for (let data = 0; data < count; data++) client.send({ type: 'order', data }, options)
}

/** Once everything that microtasks do is done. */
const settled = () => new Promise(done => setImmediate(done))

const CASES = {
  'subscribe: one of N channels, until ready (v1)': count => {
    const { client, openV1 } = connect()
    openV1()
    return async () => {
      await client.subscribe(names(count)).ready
      client.close()
    }
  },
  'subscribe: N of one channel each, until all are ready (v1)': count => {
    const { client, openV1 } = connect()
    openV1()
    return async () => {
      await Promise.all(names(count).map(name => client.subscribe(name).ready))
      client.close()
    }
  },
  'subscribe: N components on one channel, in one turn': count => {
    const { client, open } = connect()
    open()
    return async () => {
      for (let left = count; left; left--) client.subscribe('channel', () => {})
      await settled()
      client.close()
    }
  },
  'unsubscribe: N of one channel each, in one turn': async count => {
    const { client, open } = connect()
    open()
    const all = names(count).map(name => client.subscribe(name, () => {}))
    await settled()
    return async () => {
      for (const each of all) each.unsubscribe()
      await settled()
      client.close()
    }
  },
  'unsubscribe: N components on one channel, in one turn': async count => {
    const { client, open } = connect()
    open()
    const all = Array.from({ length: count }, () => client.subscribe('channel', () => {}))
    await settled()
    return async () => {
      for (const each of all) each.unsubscribe()
      await settled()
      client.close()
    }
  },
  'by hand: subscribe to N channels one by one, and leave them': count => {
    const { client, open } = connect()
    open()
    return async () => {
      for (const type of ['subscribe', 'unsubscribe']) {
        for (const name of names(count)) client.send({ type, data: { channels: [name] } })
      }
      await settled()
      client.close()
    }
  },
  'by hand, while away: subscribe to N channels one by one, then connect': count => {
    const { client, open } = connect()
    for (const name of names(count)) {
      client.send({ type: 'subscribe', data: { channels: [name] } })
    }
    return async () => {
      open()
      await settled()
      client.close()
    }
  },
  'reconnect: N channels are told to the next link (v1)': async count => {
    const { client, openV1 } = connect()
    client.subscribe(names(count))
    return async () => {
      openV1()
      await settled()
      client.close()
    }
  },
  'iterate: N messages that waited for a reader': async count => {
    const { client, open, hear } = connect()
    open()
    const subscription = client.subscribe('A', undefined, { bufferSize: count })
    const reader = subscription[Symbol.asyncIterator]()
    const first = reader.next()
    for (let data = 0; data < count; data++) hear({ type: 'tick', channel: 'A', data })
    return async () => {
      await first
      for (let left = count - 1; left; left--) await reader.next()
      client.close()
    }
  },
  'iterate: N messages for a reader that has stopped': count => {
    const { client, open, hear } = connect()
    open()
    const subscription = client.subscribe('A', undefined, { bufferSize: count / 2 })
    subscription[Symbol.asyncIterator]().next()
    return () => {
      for (let data = 0; data < count; data++) hear({ type: 'tick', channel: 'A', data })
      client.close()
    }
  },
  'queue: N messages are flushed to a plain server': count => {
    const { client, open } = connect()
    fill(client, count)
    return () => {
      open()
      client.close()
    }
  },
  'queue: N messages are flushed to a server of v1, which acknowledges each': count => {
    const { client, far, hear } = connect({ queue: { maxInFlight: 1e9 } })
    fill(client, count)
    return () => {
      far.listeners.open({})
      hear({ type: 'connection', data: { protocol: 1 } })
      hear({ type: 'welcome', data: { tok: 't', ack: 0, channels: {}, maxInFlight: 1e9 } })
      for (let seq = 1; seq <= count; seq++) hear({ type: 'ack', data: { seq } })
      client.close()
    }
  },
  'queue: close() with N messages': count => {
    const { client } = connect()
    fill(client, count)
    return () => client.close()
  },
  'queue: close() with N urgent messages': count => {
    const { client } = connect()
    fill(client, count, { priority: 'high' })
    return () => client.close()
  },
  'queue: close() with N messages of one signal': count => {
    const { client } = connect()
    fill(client, count, { signal: new AbortController().signal })
    return () => client.close()
  },
  'queue: N messages are aborted one by one, the last first': count => {
    const { client } = connect()
    const aborts = Array.from({ length: count }, () => new AbortController())
    for (const { signal } of aborts) fill(client, 1, { signal })
    return () => {
      for (const each of aborts.reverse()) each.abort()
      client.close()
    }
  },
  'queue: N urgent messages drop N older ones': count => {
    const { client } = connect({ queue: { limit: count } })
    fill(client, count, { priority: 'high' })
    return () => {
      fill(client, count, { priority: 'high' })
      client.close()
    }
  },
  'history: N changes of status with history.limit N': count => {
    const { client } = connect({ enabled: false, history: { limit: count } })
    return () => {
      for (let left = count / 2; left; left--) {
        client.connect()
        client.disconnect()
      }
      client.close()
    }
  },
}

const measure = async (prepare, count) => {
  const times = []
  for (let round = 0; round < ROUNDS; round++) {
    const run = await prepare(count)
    const start = performance.now()
    await run()
    times.push(performance.now() - start)
    // What takes this long is not worth three rounds.
    if (times[0] > 2000) break
  }
  return Math.min(...times)
}

const wanted = process.argv[2] ?? ''
const width = Math.max(...Object.keys(CASES).map(name => name.length))
const cell = text => String(text).padStart(20)
console.log(`${'ms (microseconds each)'.padEnd(width)}${SIZES.map(cell).join('')}`)
for (const [name, prepare] of Object.entries(CASES)) {
  if (!name.includes(wanted)) continue
  const cells = []
  let ms = 0
  for (const count of SIZES) {
    if (ms > LONGEST_MS) {
      cells.push(cell('not measured'))
      continue
    }
    ms = await measure(prepare, count)
    cells.push(cell(`${ms.toFixed(1)} (${((ms / count) * 1000).toFixed(1)})`))
  }
  console.log(`${name.padEnd(width)}${cells.join('')}`)
}
