/** What the indicator knows beyond one line: error, round trips, queue, history, diagnostics. */
import type { ResilientWebSocketError } from 'resilient-websocket'
import type { AnyClient } from './client.ts'
import { describeConnection } from './describe.ts'
import { html, svg } from './dom.ts'
import type { IndicatorStrings } from './strings.ts'

/** What the element has heard from its client. */
export interface Heard {
  /** The last error, also after the connection came back. */
  readonly error: ResilientWebSocketError | null
  /** The last round trips in ms, oldest first. */
  readonly latencies: readonly number[]
}

const SHOWN_CHANGES = 20

const sparkline = (values: readonly number[], label: string): SVGElement => {
  const most = Math.max(...values, 1)
  const step = 100 / Math.max(1, values.length - 1)
  const points = values.map((value, index) => `${index * step},${24 - (value / most) * 22}`)
  return svg(
    'svg',
    {
      class: 'spark',
      part: 'sparkline',
      viewBox: '0 0 100 25',
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': label,
    },
    svg('polyline', {
      points: points.join(' '),
      fill: 'none',
      stroke: 'currentColor',
      'stroke-width': '1.5',
      'vector-effect': 'non-scaling-stroke',
    }),
  )
}

const history = (client: AnyClient, strings: IndicatorStrings): HTMLElement =>
  html(
    'ol',
    { part: 'history' },
    ...[...client.stateHistory]
      .slice(-SHOWN_CHANGES)
      .reverse()
      .map(({ to, timestamp, reason }) => {
        const { color, label } = describeConnection(
          { status: to, phase: 'idle', error: null },
          strings,
        )
        const date = new Date(timestamp)
        return html(
          'li',
          { class: color },
          html('time', { datetime: date.toISOString() }, date.toLocaleTimeString()),
          html('span', {}, reason ? `${label}: ${reason}` : label),
        )
      }),
  )

const errorEntry = (error: ResilientWebSocketError | null, strings: IndicatorStrings): Node[] => {
  if (!error) return [html('dd', { part: 'error' }, strings.noError)]
  const hint = strings.hints[error.code]
  return [
    html('dd', { part: 'error' }, error.message),
    ...(hint ? [html('dd', { part: 'hint' }, hint)] : []),
  ]
}

/** The inside of the panel, without its buttons. */
export const detailsOf = (client: AnyClient, heard: Heard, strings: IndicatorStrings): Node[] => {
  const { error, latencies } = heard
  const { queued, latencyMs } = client.getSnapshot()
  const rounded = latencies.map(Math.round)
  const trips = strings.roundTrips(
    Math.round(latencyMs ?? 0),
    Math.min(...rounded),
    Math.max(...rounded),
  )
  return [
    html('p', { part: 'detail' }, describeConnection(client.getSnapshot(), strings).detail),
    html(
      'dl',
      {},
      html('dt', {}, strings.lastError),
      ...errorEntry(error, strings),
      html('dt', {}, strings.roundTrip),
      latencies.length
        ? html('dd', {}, trips, sparkline(latencies, `${strings.roundTrip}: ${trips}`))
        : html('dd', {}, latencyMs === null ? strings.notMeasured : `${Math.round(latencyMs)} ms`),
      html('dt', {}, strings.queued),
      html('dd', { part: 'queued' }, `${queued}`),
      html('dt', {}, strings.history),
      html('dd', {}, history(client, strings)),
    ),
  ]
}

/** For a bug report: how it went, and nothing of what was said (no message, no url, no token). */
export const diagnosticsOf = (client: AnyClient, { error, latencies }: Heard): string => {
  const { lastMessage, error: _error, sessionId, ...snapshot } = client.getSnapshot()
  return JSON.stringify(
    {
      at: new Date().toISOString(),
      ...snapshot,
      error: error && { code: error.code, message: error.message },
      latencies,
      history: client.stateHistory,
      metrics: client.metrics(),
      online: navigator.onLine,
      visible: document.visibilityState,
      browser: navigator.userAgent,
    },
    null,
    2,
  )
}
