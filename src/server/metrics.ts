/** The counters of a server, and their text for Prometheus. */

/** Counts since the server was created. Plain numbers, since most of them grow with every message. */
export interface Counters {
  connections: number
  received: number
  sent: number
  applied: number
  rateLimited: number
  published: number
  replayed: number
  gaps: number
  slowConsumers: number
  conflated: number
  polls: number
  posts: number
  /** By the `code` of the `error` or `nack` that the sender got. */
  readonly refused: Map<string, number>
}

export const createCounters = (): Counters => ({
  connections: 0,
  received: 0,
  sent: 0,
  applied: 0,
  rateLimited: 0,
  published: 0,
  replayed: 0,
  gaps: 0,
  slowConsumers: 0,
  conflated: 0,
  polls: 0,
  posts: 0,
  refused: new Map(),
})

export const countRefusal = ({ refused }: Counters, code: string): void =>
  void refused.set(code, (refused.get(code) ?? 0) + 1)

/** Values of the moment. */
export interface Gauges {
  readonly connections: number
  readonly sessions: number
  readonly channels: number
  readonly draining: boolean
  readonly startedAtSeconds: number
}

/** One name of Prometheus, with one value, or with one for each value of its label. */
export interface Metric {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly label?: string
  /** By the value of the label; `''` where there is no label. */
  readonly values: Iterable<readonly [string, number]>
}

const one = (type: Metric['type'], name: string, value: number, help: string): Metric => ({
  name,
  help,
  type,
  values: [['', value]],
})

export const metricsOf = (counters: Counters, gauges: Gauges): Metric[] => [
  one('gauge', 'connections', gauges.connections, 'WebSocket connections that are open.'),
  one('counter', 'connections_total', counters.connections, 'WebSocket connections that came.'),
  one('gauge', 'sessions', gauges.sessions, 'Sessions with an open connection here.'),
  one('gauge', 'channels', gauges.channels, 'Channels that somebody here listens to.'),
  one('counter', 'published_total', counters.published, 'Messages that this server published.'),
  one(
    'counter',
    'messages_received_total',
    counters.received,
    'Messages of clients, pings and pongs included.',
  ),
  one('counter', 'messages_sent_total', counters.sent, 'Messages to clients over WebSocket.'),
  one('counter', 'messages_applied_total', counters.applied, 'Messages that the application took.'),
  {
    name: 'messages_refused_total',
    help: 'Messages of clients that were refused, by the code that they were told.',
    type: 'counter',
    label: 'code',
    values: counters.refused,
  },
  one(
    'counter',
    'messages_rate_limited_total',
    counters.rateLimited,
    'Messages of clients that came too fast.',
  ),
  one(
    'counter',
    'messages_replayed_total',
    counters.replayed,
    'Messages that clients had missed and got.',
  ),
  one(
    'counter',
    'gaps_total',
    counters.gaps,
    'Positions from which not everything could be given.',
  ),
  one(
    'counter',
    'slow_consumers_total',
    counters.slowConsumers,
    'Connections closed since their client did not read.',
  ),
  one(
    'counter',
    'messages_conflated_total',
    counters.conflated,
    'Messages left out for clients that do not read fast enough.',
  ),
  one('counter', 'polls_total', counters.polls, 'GET requests for channels.'),
  one('counter', 'posts_total', counters.posts, 'POST requests with messages.'),
  one('gauge', 'draining', Number(gauges.draining), '1 while clients are asked to leave.'),
  one(
    'gauge',
    'process_start_time_seconds',
    gauges.startedAtSeconds,
    'When the process began, in seconds since the epoch.',
  ),
]

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' }

const escapeLabel = (value: string): string =>
  value.replace(/[\\"\n]/g, found => ESCAPES[found] as string)

/** As https://prometheus.io/docs/instrumenting/exposition_formats says, version 0.0.4. */
export const renderMetrics = (metrics: readonly Metric[]): string =>
  metrics
    .flatMap(({ name: short, help, type, label, values }) => {
      const name = `resilient_websocket_${short}`
      const samples = [...values].map(([value, number]) =>
        label ? `${name}{${label}="${escapeLabel(value)}"} ${number}` : `${name} ${number}`,
      )
      return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples]
    })
    .map(line => `${line}\n`)
    .join('')
