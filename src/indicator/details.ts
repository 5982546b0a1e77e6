/** What is behind the badge: the last error, round trips, the queue, the history, diagnostics to copy. */
import type { StateChange } from 'resilient-websocket'
import { describeConnection, type IndicatorStrings } from './describe.ts'
import type { AnySocket } from './element.ts'
import { hintFor } from './hints.ts'

const CHANGES_SHOWN = 20
const COPIED_MS = 2000

export const DETAILS = `
<div class="details" part="details" role="dialog" tabindex="-1" hidden>
  <dl>
    <dt></dt><dd><span></span><div class="hint"></div></dd>
    <dt></dt><dd><span></span><svg class="spark" viewBox="0 0 100 30" preserveAspectRatio="none" aria-hidden="true"><polyline fill="none" stroke="currentColor" stroke-width="1.5" vector-effect="non-scaling-stroke"/></svg></dd>
    <dt></dt><dd><span></span></dd>
  </dl>
  <h2 id="history"></h2><p></p><ol tabindex="0" aria-labelledby="history"></ol>
  <button type="button" class="action"></button>
</div>
`

export interface Details {
  /** Shows what is so now; what has not changed stays the same node, under the reader's hands. */
  update(client: AnySocket, words: IndicatorStrings, roundTripsMs: readonly number[]): void
  /** Nothing was copied; no timer is left. */
  reset(): void
}

/** Sets a text, unless it is there already: a new node would lose what is selected in it. */
export const setText = (element: Element, text: string): void => {
  if (element.textContent !== text) element.textContent = text
}

const points = (values: readonly number[]): string => {
  const most = Math.max(...values) || 1
  return values
    .map((value, index) => `${(index / (values.length - 1)) * 100},${29 - (value / most) * 26}`)
    .join(' ')
}

const item = ({ from, to, timestamp, reason }: StateChange): HTMLElement => {
  const element = document.createElement('li')
  element.className = describeConnection({ status: to }).color
  const time = document.createElement('time')
  time.dateTime = new Date(timestamp).toISOString()
  time.textContent = new Date(timestamp).toLocaleTimeString()
  element.append(time, `${from} > ${to}${reason ? ` (${reason})` : ''}`)
  return element
}

/** No messages and no token: what is copied may be pasted anywhere. */
const report = (client: AnySocket, roundTripsMs: readonly number[]): string => {
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

/** For what `DETAILS` has become in a document. */
export const createDetails = (panel: HTMLElement): Details => {
  const all = (name: string): HTMLElement[] => [...panel.querySelectorAll<HTMLElement>(name)]
  const one = (name: string): HTMLElement => all(name)[0] as HTMLElement
  const terms = all('dt')
  const values = all('dd')
  const list = one('ol')
  const nothing = one('p')
  const copy = one('button')
  let shown: StateChange | undefined
  let copied: 'copied' | 'copyFailed' | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let current: Parameters<Details['update']> | undefined

  const row = (index: number, name: string, value: string | undefined): void => {
    const term = terms[index] as HTMLElement
    const place = values[index] as HTMLElement
    term.hidden = place.hidden = value === undefined
    setText(term, name)
    setText(place.firstElementChild as Element, value ?? '')
  }

  const timeline = (history: readonly StateChange[]): void => {
    const known = shown ? history.lastIndexOf(shown) : -1
    if (known < 0) list.replaceChildren()
    for (const change of history.slice(known + 1)) list.prepend(item(change))
    while (list.children.length > CHANGES_SHOWN) list.lastChild?.remove()
    shown = history.at(-1)
    list.hidden = !shown
    nothing.hidden = Boolean(shown)
  }

  const tell = (fate: typeof copied): void => {
    copied = fate
    clearTimeout(timer)
    if (fate) timer = setTimeout(() => tell(undefined), COPIED_MS)
    if (current) setText(copy, current[1][fate ?? 'copy'])
  }

  copy.addEventListener('click', async () => {
    if (!current) return
    const [client, , roundTripsMs] = current
    try {
      await navigator.clipboard.writeText(report(client, roundTripsMs))
      tell('copied')
    } catch {
      tell('copyFailed')
    }
  })

  return {
    update(client, words, roundTripsMs) {
      current = [client, words, roundTripsMs]
      const { error, latencyMs, queued } = client.getSnapshot()
      panel.setAttribute('aria-label', words.details)
      row(0, words.lastError, error?.message ?? words.noError)
      setText(one('.hint'), hintFor(error, words) ?? '')
      // Only a silent link is pinged, so there may never be one.
      row(1, words.roundTrip, latencyMs === null ? undefined : `${latencyMs.toFixed(0)} ms`)
      const spark = one('.spark')
      spark.toggleAttribute('hidden', roundTripsMs.length < 2)
      if (roundTripsMs.length > 1)
        spark.firstElementChild?.setAttribute('points', points(roundTripsMs))
      row(2, words.waiting, String(queued))
      setText(one('h2'), words.history)
      setText(nothing, words.noHistory)
      if (client.stateHistory.at(-1) !== shown) timeline(client.stateHistory)
      setText(copy, words[copied ?? 'copy'])
    },
    reset: () => tell(undefined),
  }
}
