// What a queue costs that has grown while the server was away.
import { cpuMicroseconds, loadInMemory, turn, URL_OF_NOBODY } from '../clients/in-memory.mjs'
import { OTHER_CLIENTS, OURS } from './rows.mjs'

const FEW = 10_000
const MANY = 100_000
/** For what arrives later than the turn in which a link opens. */
const MAX_TURNS = 20_000

const SMALL = { title: '10,000', digits: 1, compare: 'none' }
const LARGE = { title: '100,000', digits: 1, compare: 'none' }

export const part = {
  name: 'queue',
  title: 'Messages queued while the server is away',
  about:
    'CPU time in ms, in memory, for 10,000 and 100,000 queued messages: until all are on the wire once the connection opens (with v1: and acknowledged), `close()` with all of them queued, and aborting one by its `AbortSignal`. `queue.ratePerSecond` and its limits are lifted. `reconnecting-websocket` and `partysocket` queue text, which the application has made before and this does not count. The others have no signal to abort by, and tell nobody at `close()` what became of the messages.',
  maxRounds: 3,
  rows: [...OTHER_CLIENTS, ...OURS],
  columns: [
    { ...SMALL, metric: 'flushFew', title: 'flush 10,000, ms' },
    {
      ...LARGE,
      metric: 'flushMany',
      title: 'flush 100,000, ms',
      chart: 'flush of a queue',
    },
    { ...SMALL, metric: 'closeFew', title: '`close()`, 10,000, ms' },
    { ...LARGE, metric: 'closeMany', title: '`close()`, 100,000, ms' },
    { metric: 'abort', title: 'abort one of 100,000, ms', digits: 3, compare: 'none' },
  ],
}

const dataOf = number => ({ symbol: 'AAPL', side: 'buy', quantity: number, price: 227.52 })
const isOurs = name => OURS.some(row => row.name === name)

export const measure = async name => {
  let arrived = 0
  let wire
  const loaded = await loadInMemory(name, {
    opensAlone: false,
    onFrame(frame) {
      arrived += wire.count(frame)
    },
  })
  wire = loaded.wire
  const { contender, WebSocket, sockets } = loaded

  /** A client with so many messages queued. The socket that it dials opens when it is told to. */
  const fill = async count => {
    arrived = 0
    sockets.length = 0
    const client = contender.connect({ url: URL_OF_NOBODY, WebSocket, onMessage() {}, onOpen() {} })
    let last
    for (let number = 0; number < count; number++) last = client.send(dataOf(number))
    for (let left = MAX_TURNS; left && sockets.length === 0; left--) await turn()
    return { ...client, last }
  }

  const flush = async count => {
    const client = await fill(count)
    const before = cpuMicroseconds()
    sockets[0].dialled()
    for (let left = MAX_TURNS; left && arrived < count; left--) await turn()
    // A Delivery of ours: with v1 it is settled by the acknowledgement.
    await client.last?.settled
    const ms = (cpuMicroseconds() - before) / 1000
    if (arrived !== count) throw new Error(`${name}: ${arrived} of ${count} arrived`)
    client.close()
    await turn()
    return ms
  }

  const close = async count => {
    const client = await fill(count)
    const before = cpuMicroseconds()
    client.close()
    await turn()
    return (cpuMicroseconds() - before) / 1000
  }

  const abort = async count => {
    const { client, close: end } = await fill(count / 2)
    const abortion = new AbortController()
    client.send({ type: 'order', data: dataOf(count / 2) }, { signal: abortion.signal })
    for (let number = count / 2 + 1; number < count; number++) {
      client.send({ type: 'order', data: dataOf(number) })
    }
    await turn()
    const before = performance.now()
    abortion.abort()
    const ms = performance.now() - before
    end()
    return ms
  }

  await flush(2000)
  return {
    flushFew: await flush(FEW),
    flushMany: await flush(MANY),
    closeFew: await close(FEW),
    closeMany: await close(MANY),
    ...(isOurs(name) ? { abort: await abort(MANY) } : {}),
  }
}
