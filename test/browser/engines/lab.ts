/** Runs in the page, and in a worker: a client, and everything it said. Commands come as expressions. */
import {
  createResilientWebSocket,
  type Delivery,
  type ResilientWebSocket,
} from 'resilient-websocket'

/** What a page can say of its client; survives JSON. */
export interface Report {
  /** Each status, with the reason where there is one: `RECONNECTING: Connection lost`. */
  readonly statuses: readonly string[]
  /** Numbers of the channel, and `gap: REASON`, in the order in which they came. */
  readonly heard: readonly (number | string)[]
  /** The deliveries of what was sent, in that order, beginning with number 1. */
  readonly deliveries: readonly Pick<Delivery, 'id' | 'state' | 'reason'>[]
  /** Ids in the order in which they were settled. */
  readonly settled: readonly string[]
  readonly errors: readonly string[]
}

type Options = Parameters<typeof createResilientWebSocket>[0]

/** Sockets past the client. */
const rawSockets: WebSocket[] = []

let socket: ResilientWebSocket | undefined
let statuses: string[] = []
let heard: (number | string)[] = []
let deliveries: Delivery[] = []
let settled: string[] = []
let errors: string[] = []
let talking: ReturnType<typeof setInterval> | undefined
let lastTick = 0
let longestGap = 0
let worker: Worker | undefined

const lab = {
  start(options: Options): void {
    lab.end()
    statuses = []
    heard = []
    deliveries = []
    settled = []
    errors = []
    const created = createResilientWebSocket(options)
    socket = created as ResilientWebSocket
    created.on('status', ({ to, reason }) => statuses.push(reason ? `${to}: ${reason}` : to))
    created.on('gap', ({ reason }) => heard.push(`gap: ${reason}`))
    created.on('error', ({ code, message }) => errors.push(`${code}: ${message}`))
    created.on('delivery', ({ id }) => settled.push(id))
  },
  /** Resolves when the server has confirmed the channel. */
  async listen(): Promise<void> {
    const { ready } = (socket as ResilientWebSocket).subscribe('numbers', message => {
      const { type, data } = message as { type: string; data: { number: number } }
      if (type === 'number') heard.push(data.number)
    })
    await ready
  },
  send(): void {
    const data = { number: deliveries.length + 1 }
    deliveries.push((socket as ResilientWebSocket).send({ type: 'order', data }))
  },
  talk(everyMs: number): void {
    talking = setInterval(lab.send, everyMs)
  },
  hush: (): void => clearInterval(talking),
  get socket() {
    return socket as ResilientWebSocket
  },
  report: (): Report => ({
    statuses,
    heard,
    deliveries: deliveries.map(({ id, state, reason }) => ({ id, state, reason })),
    settled,
    errors,
  }),
  /** Begins to count how far apart timers of 100 ms are. */
  tick(): void {
    longestGap = 0
    lastTick = performance.now()
    const next = (): void => {
      lab.longestGap()
      lastTick = performance.now()
      setTimeout(next, 100)
    }
    setTimeout(next, 100)
  },
  longestGap: (): number => (longestGap = Math.max(longestGap, performance.now() - lastTick)),
  /** Holds the thread. */
  block(ms: number): void {
    for (const end = performance.now() + ms; performance.now() < end; );
  },
  end(): void {
    lab.hush()
    socket?.close()
  },

  /** Opens sockets past the client until the engine takes no more. Resolves to how many are open. */
  async exhaust(url: string, count: number): Promise<number> {
    const opened = await Promise.all(
      Array.from(
        { length: count },
        () =>
          new Promise<boolean>(resolve => {
            const each = new WebSocket(url)
            rawSockets.push(each)
            each.onopen = () => resolve(true)
            each.onerror = () => resolve(false)
          }),
      ),
    )
    return opened.filter(Boolean).length
  },
  /** Closes those. */
  relieve(): void {
    for (const each of rawSockets.splice(0)) each.close()
  },

  /** The value of an expression in a worker that has a lab of its own. */
  inWorker(expression: string): Promise<unknown> {
    const { port1, port2 } = new MessageChannel()
    // Its policy is its script's own, not the page's.
    worker ??= new Worker(`/lab.js${location.search}`, { type: 'module' })
    worker.postMessage(expression, [port2])
    return new Promise((resolve, reject) => {
      port1.onmessage = ({ data }) => ('value' in data ? resolve(data.value) : reject(data.error))
    })
  },
}

Object.assign(globalThis, { lab })

if (!globalThis.document) {
  globalThis.onmessage = async ({ data, ports: [port] }) => {
    // biome-ignore lint/security/noGlobalEval: the worker does what its page says
    const run = globalThis.eval
    try {
      port?.postMessage({ value: await run(data) })
    } catch (error) {
      port?.postMessage({ error: String(error) })
    }
  }
}
