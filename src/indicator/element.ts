/** `<connection-status>`: shows a client that it is given; never opens a connection. */
import type { ResilientWebSocket, StateChange } from 'resilient-websocket'
import {
  type ConnectionDescription,
  describeConnection,
  fill,
  type IndicatorColor,
  type IndicatorStrings,
  STRINGS,
} from './describe.ts'
import { hintFor } from './hints.ts'
import { style } from './styles.ts'

/** A client of any messages. */
// biome-ignore lint/suspicious/noExplicitAny: a badge knows nothing of the messages
export type AnySocket = ResilientWebSocket<any, any>

/** A change that is undone within this time is not announced. */
const LASTS_MS = 1000
const TICK_MS = 1000
const ROUND_TRIPS = 30
const CHANGES_SHOWN = 20
/** Data older than this is worth a word, ms. */
const OLD_MS = 3000

const ICONS: Readonly<Record<IndicatorColor, string>> = {
  green: '<path d="M3 8.5l3.2 3.2L13 5" fill="none" stroke="currentColor" stroke-width="2.2"/>',
  yellow:
    '<path d="M8 2.5a5.5 5.5 0 1 1-5.2 3.7" fill="none" stroke="currentColor" stroke-width="2.2"/>',
  blue: '<path d="M2 6h9l-3-3M14 10H5l3 3" fill="none" stroke="currentColor" stroke-width="2"/>',
  red: '<path d="M4 4l8 8M12 4l-8 8" fill="none" stroke="currentColor" stroke-width="2.2"/>',
}

const TEMPLATE = `
<div class="row" part="row">
  <button type="button" class="badge" part="badge" aria-haspopup="dialog" aria-expanded="false">
    <svg viewBox="0 0 16 16" aria-hidden="true"></svg><span part="label"></span>
  </button>
  <span class="quiet" part="detail"></span>
  <span class="quiet" part="countdown"></span>
  <span class="quiet" part="age"></span>
  <button type="button" class="action" part="retry" hidden></button>
</div>
<span class="hidden" role="status"></span>
<div class="details" part="details" role="dialog" tabindex="-1" hidden></div>
`

// On a server there is no HTMLElement; importing must not fail there.
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement

/**
 * Shows the state of a client: icon, colour and words, a countdown, the age of the data, a "Try now" button, and details
 * on demand. Set `client` to show one, and `strings` to replace words.
 *
 * ```ts
 * document.querySelector('connection-status').client = socket
 * ```
 *
 * Custom properties: `--connection-status-green`, `-yellow`, `-blue`, `-red`, `-text`, `-muted`, `-surface`,
 * `-line`, `-font`. Parts: `row`, `badge`, `label`, `detail`, `countdown`, `age`, `retry`, `details`.
 */
export class ConnectionStatusElement extends Base {
  #client: AnySocket | undefined
  #strings: Partial<IndicatorStrings> = {}
  #stop: (() => void) | undefined
  #announced = ''
  #roundTrips: number[] = []
  #retry: { readonly attempt: number; readonly maxAttempts: number } | undefined
  #scheduled: ReturnType<typeof setTimeout> | undefined

  /** The client to show; `undefined` shows nothing. */
  get client(): AnySocket | undefined {
    return this.#client
  }
  set client(client: AnySocket | undefined) {
    if (client && typeof client.getSnapshot !== 'function') {
      throw new TypeError('client: expected a client of createResilientWebSocket()')
    }
    if (client === this.#client) return
    this.#leave()
    this.#client = client
    this.#roundTrips = []
    this.#retry = undefined
    if (this.isConnected) this.#join()
  }

  /** Words to replace; those that are missing stay English. */
  get strings(): Partial<IndicatorStrings> {
    return this.#strings
  }
  set strings(strings: Partial<IndicatorStrings>) {
    this.#strings = strings
    if (this.isConnected) this.#render()
  }

  connectedCallback(): void {
    // A property that was set before the class was known hides the accessor.
    for (const name of ['client', 'strings'] as const) {
      if (!Object.hasOwn(this, name)) continue
      const value = this[name]
      Reflect.deleteProperty(this, name)
      Object.assign(this, { [name]: value })
    }
    if (!this.shadowRoot) this.#build(this.attachShadow({ mode: 'open' }))
    this.#join()
  }

  disconnectedCallback(): void {
    this.#leave()
  }

  #build(root: ShadowRoot): void {
    style(root)
    root.innerHTML = TEMPLATE
    this.#part('badge').addEventListener('click', () =>
      this.#toggle(Boolean(this.#details().hidden)),
    )
    this.#part('retry').addEventListener('click', () => this.#client?.reconnect())
    root.addEventListener('keydown', event => {
      if ((event as KeyboardEvent).key !== 'Escape' || this.#details().hidden) return
      this.#toggle(false)
      this.#part('badge').focus()
    })
  }

  #part(name: string): HTMLElement {
    return this.shadowRoot?.querySelector(`[part=${name}]`) as HTMLElement
  }

  #details(): HTMLElement {
    return this.#part('details')
  }

  #toggle(shown: boolean): void {
    this.#details().hidden = !shown
    this.#part('badge').setAttribute('aria-expanded', String(shown))
    this.#render()
    if (shown) this.#details().focus()
  }

  #join(): void {
    const client = this.#client
    if (!this.shadowRoot || this.#stop) return
    if (!client) {
      this.shadowRoot.querySelector('.row')?.setAttribute('hidden', '')
      return
    }
    this.shadowRoot.querySelector('.row')?.removeAttribute('hidden')
    const outside = (event: Event): void => {
      if (!event.composedPath().includes(this) && !this.#details().hidden) this.#toggle(false)
    }
    document.addEventListener('pointerdown', outside)
    const clock = setInterval(() => this.#tick(), TICK_MS)
    const offs = [
      client.onChange(() => this.#schedule()),
      client.on('retry', retry => {
        this.#retry = retry
      }),
      client.on('latency', latencyMs => {
        this.#roundTrips = [...this.#roundTrips, latencyMs].slice(-ROUND_TRIPS)
      }),
      () => clearInterval(clock),
      () => document.removeEventListener('pointerdown', outside),
    ]
    let announcing: ReturnType<typeof setTimeout> | undefined
    offs.push(
      client.on('status', () => {
        clearTimeout(announcing)
        announcing = setTimeout(() => this.#announce(), LASTS_MS)
      }),
      () => clearTimeout(announcing),
    )
    this.#stop = () => {
      for (const off of offs) off()
    }
    // What is so from the beginning is no news.
    this.#announced = this.#describe()?.label ?? ''
    this.#render()
  }

  #leave(): void {
    this.#stop?.()
    this.#stop = undefined
    clearTimeout(this.#scheduled)
    this.#scheduled = undefined
  }

  #describe(): ConnectionDescription | undefined {
    return this.#client && describeConnection(this.#client.getSnapshot(), this.#strings)
  }

  #announce(): void {
    const description = this.#describe()
    const live = this.shadowRoot?.querySelector('[role=status]')
    if (!description || !live || description.label === this.#announced) return
    this.#announced = description.label
    live.textContent = [description.label, description.detail].filter(Boolean).join('. ')
  }

  /** A client may change a thousand times a second; the eye does not. */
  #schedule(): void {
    this.#scheduled ??= setTimeout(() => {
      this.#scheduled = undefined
      this.#render()
    }, 0)
  }

  #words(): IndicatorStrings {
    return { ...STRINGS, ...this.#strings }
  }

  #render(): void {
    const description = this.#describe()
    const root = this.shadowRoot
    if (!description || !root) return
    const { color, label, detail, canRetry, status } = description
    const row = root.querySelector('.row') as HTMLElement
    if (row.dataset['color'] !== color) {
      row.dataset['color'] = color
      row.className = `row ${color}`
      const icon = row.querySelector('svg') as SVGElement
      icon.innerHTML = ICONS[color]
    }
    this.dataset['status'] = status
    const set = (name: string, text: string): void => {
      const part = this.#part(name)
      if (part.textContent !== text) part.textContent = text
    }
    set('label', label)
    set('detail', detail)
    set('retry', this.#words().retry)
    this.#part('retry').hidden = !canRetry
    this.#tick()
    if (!this.#details().hidden) this.#renderDetails()
  }

  /** What changes by itself: outside the live region, or a screen reader would read it every second. */
  #tick(): void {
    const client = this.#client
    if (!client || !this.shadowRoot) return
    const { nextRetryAt, lastMessageAt, status, attempt } = client.getSnapshot()
    const words = this.#words()
    const seconds = nextRetryAt && Math.max(0, Math.ceil((nextRetryAt - Date.now()) / 1000))
    const max = this.#retry?.maxAttempts
    const countdown =
      seconds === null
        ? ''
        : status === 'RECONNECTING' && max !== undefined
          ? fill(words.countdown, { seconds, attempt, max })
          : fill(words.probe, { seconds })
    const age = lastMessageAt === null ? 0 : Date.now() - lastMessageAt
    this.#part('countdown').textContent = countdown
    this.#part('age').textContent =
      age > OLD_MS ? fill(words.age, { seconds: Math.round(age / 1000) }) : ''
  }

  #renderDetails(): void {
    const client = this.#client
    if (!client) return
    const words = this.#words()
    const { error, latencyMs, queued } = client.getSnapshot()
    const details = this.#details()
    const list = document.createElement('dl')
    const row = (name: string, ...values: (string | Node)[]): void => {
      const term = document.createElement('dt')
      term.textContent = name
      const value = document.createElement('dd')
      value.append(...values)
      list.append(term, value)
    }
    const hint = document.createElement('div')
    hint.className = 'hint'
    hint.textContent = hintFor(error) ?? ''
    row(words.lastError, error?.message ?? words.noError, hint)
    row(
      words.roundTrip,
      latencyMs === null ? words.notMeasured : `${latencyMs.toFixed(0)} ms`,
      ...this.#sparkline(),
    )
    row(words.waiting, String(queued))

    const heading = document.createElement('h2')
    heading.textContent = words.history
    const copy = document.createElement('button')
    copy.type = 'button'
    copy.className = 'action'
    copy.textContent = words.copy
    copy.addEventListener('click', () => this.#copy(copy))
    const focused = this.shadowRoot?.activeElement
    details.setAttribute('aria-label', words.details)
    details.replaceChildren(list, heading, this.#timeline(client.stateHistory), copy)
    // Rendered anew under the reader's fingers.
    if (focused instanceof HTMLButtonElement && focused.textContent === words.copy) copy.focus()
  }

  #timeline(history: readonly StateChange[]): HTMLElement {
    const list = document.createElement('ol')
    for (const { from, to, timestamp, reason } of history.slice(-CHANGES_SHOWN).reverse()) {
      const item = document.createElement('li')
      item.className = describeConnection({ status: to }).color
      const time = document.createElement('time')
      time.dateTime = new Date(timestamp).toISOString()
      time.textContent = new Date(timestamp).toLocaleTimeString()
      item.append(time, `${from} > ${to}${reason ? ` (${reason})` : ''}`)
      list.append(item)
    }
    if (list.children.length) return list
    const nothing = document.createElement('p')
    nothing.textContent = this.#words().noHistory
    return nothing
  }

  #sparkline(): Node[] {
    const values = this.#roundTrips
    if (values.length < 2) return []
    const most = Math.max(...values)
    const points = values.map(
      (value, index) => `${(index / (values.length - 1)) * 100},${29 - (value / (most || 1)) * 26}`,
    )
    const holder = document.createElement('div')
    holder.innerHTML = `<svg class="spark" viewBox="0 0 100 30" preserveAspectRatio="none" aria-hidden="true"><polyline points="${points.join(' ')}" fill="none" stroke="currentColor" stroke-width="1.5" vector-effect="non-scaling-stroke"/></svg>`
    return [...holder.childNodes]
  }

  async #copy(button: HTMLButtonElement): Promise<void> {
    const client = this.#client
    if (!client) return
    // No messages and no token: what is copied may be pasted anywhere.
    const { error, lastMessage: _message, sessionId: _session, ...snapshot } = client.getSnapshot()
    const report = {
      at: new Date().toISOString(),
      snapshot,
      error: error && { code: error.code, message: error.message },
      roundTripsMs: this.#roundTrips,
      history: client.stateHistory,
      counts: client.metrics(),
      page: { online: navigator.onLine, hidden: document.hidden, agent: navigator.userAgent },
    }
    const words = this.#words()
    try {
      await navigator.clipboard.writeText(JSON.stringify(report, null, 2))
      button.textContent = words.copied
    } catch {
      button.textContent = words.copyFailed
    }
  }
}
