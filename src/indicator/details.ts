/** The panel behind the badge: the last error, round trips, the queue, the history, diagnostics to copy. */
import type { StateChange } from 'resilient-websocket'
import type { AnyClient } from '../adapters/options.ts'
import { describeConnection, type IndicatorStrings, labelOf } from './describe.ts'
import { html, setText, svg } from './dom.ts'
import { hintFor } from './hints.ts'

const CHANGES_SHOWN = 20
const COPIED_MS = 2000

/** The panel, empty. */
export const buildDetails = (page: Document): HTMLElement => {
  const line = svg(page, 'polyline', {
    fill: 'none',
    stroke: 'currentColor',
    'stroke-width': '1.5',
    'vector-effect': 'non-scaling-stroke',
  })
  const spark = svg(
    page,
    'svg',
    {
      class: 'spark',
      viewBox: '0 0 100 30',
      preserveAspectRatio: 'none',
      'aria-hidden': 'true',
    },
    line,
  )
  const value = (...children: Element[]): HTMLElement =>
    html(page, 'dd', {}, html(page, 'span'), ...children)
  return html(
    page,
    'div',
    { class: 'details', part: 'details', role: 'dialog', tabindex: '-1', hidden: '' },
    html(
      page,
      'dl',
      {},
      html(page, 'dt'),
      value(html(page, 'div', { class: 'hint' })),
      html(page, 'dt'),
      value(spark),
      html(page, 'dt'),
      value(),
    ),
    html(page, 'h2', { id: 'history' }),
    html(page, 'p'),
    html(page, 'ol', { tabindex: '0', 'aria-labelledby': 'history' }),
    html(page, 'button', { type: 'button', class: 'action' }),
  )
}

/** The panel of one element. */
export interface Details {
  /** Shows the client as it is now. Nodes that have not changed stay, since a reader may have selected text in them. */
  update(client: AnyClient, texts: IndicatorStrings, roundTripsMs: readonly number[]): void
  /** Forgets that diagnostics were copied; no timer is left. */
  reset(): void
}

const points = (values: readonly number[]): string => {
  const max = Math.max(...values) || 1
  return values
    .map((value, index) => `${(index / (values.length - 1)) * 100},${29 - (value / max) * 26}`)
    .join(' ')
}

/** One change. Its parts are isolated, so that a reason in another script does not turn the row round. */
const item = (
  page: Document,
  { to, timestamp, reason }: StateChange,
  texts: IndicatorStrings,
): HTMLElement => {
  const row = html(page, 'li', { class: describeConnection({ status: to }).color })
  const language = page.documentElement.lang || undefined
  const time = html(page, 'time', { datetime: new Date(timestamp).toISOString() })
  time.textContent = clockTime(timestamp, language)
  row.append(time, html(page, 'bdi', {}, labelOf(to, texts)))
  if (!reason) return row
  const text = Object.hasOwn(texts.reasons, reason) ? texts.reasons[reason] : reason
  row.append(' ', html(page, 'bdi', { class: 'reason' }, text ?? reason))
  return row
}

/** A page's `lang` may be no language. */
const clockTime = (timestamp: number, language: string | undefined): string => {
  try {
    return new Date(timestamp).toLocaleTimeString(language)
  } catch {
    return new Date(timestamp).toLocaleTimeString()
  }
}

/** No messages and no token: what is copied may be pasted anywhere. */
const report = (client: AnyClient, roundTripsMs: readonly number[]): string => {
  const { error, lastMessage: _message, sessionId: _session, ...snapshot } = client.getSnapshot()
  return JSON.stringify(
    {
      at: new Date().toISOString(),
      snapshot,
      error: error && { code: error.code, message: error.message },
      roundTripsMs,
      history: client.stateHistory,
      counts: client.metrics(),
      page: { online: navigator.onLine, hidden: document.hidden, agent: navigator.userAgent },
    },
    null,
    2,
  )
}

/** For a panel of `buildDetails`. `say`: tells screen readers. */
export const createDetails = (panel: HTMLElement, say: (text: string) => void): Details => {
  const all = (name: string): HTMLElement[] => [...panel.querySelectorAll<HTMLElement>(name)]
  const one = (name: string): HTMLElement => all(name)[0] as HTMLElement
  const terms = all('dt')
  const values = all('dd')
  const list = one('ol')
  const nothing = one('p')
  const copy = one('button')
  let shown: StateChange | undefined
  let shownTexts: IndicatorStrings | undefined
  let copied: 'copied' | 'copyFailed' | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  /** Grows with each reset: what was copied before it is no news. */
  let resets = 0
  let current: Parameters<Details['update']> | undefined

  const row = (index: number, name: string, value: string | undefined): void => {
    const term = terms[index] as HTMLElement
    const place = values[index] as HTMLElement
    term.hidden = place.hidden = value === undefined
    setText(term, name)
    setText(place.firstElementChild as Element, value ?? '')
  }

  const timeline = (history: readonly StateChange[], texts: IndicatorStrings): void => {
    const known = shown && shownTexts === texts ? history.lastIndexOf(shown) : -1
    if (known < 0) list.replaceChildren()
    for (const change of history.slice(known + 1)) {
      list.prepend(item(panel.ownerDocument, change, texts))
    }
    while (list.children.length > CHANGES_SHOWN) list.lastChild?.remove()
    shown = history.at(-1)
    shownTexts = texts
    list.hidden = !shown
    nothing.hidden = Boolean(shown)
  }

  const tell = (fate: typeof copied): void => {
    copied = fate
    clearTimeout(timer)
    if (fate) timer = setTimeout(() => tell(undefined), COPIED_MS)
    if (!current) return
    setText(copy, current[1][fate ?? 'copy'])
    // The words of a button are not read out when they change.
    if (fate) say(current[1][fate])
  }

  copy.addEventListener('click', async () => {
    if (!current) return
    const [client, , roundTripsMs] = current
    const before = resets
    let fate: typeof copied = 'copied'
    try {
      await navigator.clipboard.writeText(report(client, roundTripsMs))
    } catch {
      fate = 'copyFailed'
    }
    if (before === resets) tell(fate)
  })

  return {
    update(client, texts, roundTripsMs) {
      current = [client, texts, roundTripsMs]
      const { error, latencyMs, queued } = client.getSnapshot()
      panel.setAttribute('aria-label', texts.details)
      row(0, texts.lastError, error?.message ?? texts.noError)
      setText(one('.hint'), hintFor(error, texts) ?? '')
      // Only a silent link is pinged, so there may never be one.
      row(1, texts.roundTrip, latencyMs === null ? undefined : `${latencyMs.toFixed(0)} ms`)
      const spark = one('.spark')
      spark.toggleAttribute('hidden', roundTripsMs.length < 2)
      if (roundTripsMs.length > 1)
        spark.firstElementChild?.setAttribute('points', points(roundTripsMs))
      row(2, texts.waiting, String(queued))
      setText(one('h2'), texts.history)
      setText(nothing, texts.noHistory)
      const { stateHistory } = client
      if (stateHistory.at(-1) !== shown || texts !== shownTexts) timeline(stateHistory, texts)
      setText(copy, texts[copied ?? 'copy'])
    },
    reset() {
      resets++
      tell(undefined)
    },
  }
}
