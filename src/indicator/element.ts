/** `<connection-status>`: shows a client that it is given; never opens a connection. */
import type { ResilientWebSocket, Snapshot } from 'resilient-websocket'
import {
  type ConnectionDescription,
  describeConnection,
  fill,
  type IndicatorColor,
  type IndicatorStrings,
  STRINGS,
} from './describe.ts'
import { createDetails, DETAILS, type Details, setText } from './details.ts'
import { style } from './styles.ts'

/** A client of any messages. */
// biome-ignore lint/suspicious/noExplicitAny: a badge knows nothing of the messages
export type AnySocket = ResilientWebSocket<any, any>

/** A change that is undone within this time is not announced. */
const LASTS_MS = 1000
const TICK_MS = 1000
const ROUND_TRIPS = 30
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
${DETAILS}`

const countdown = (snapshot: Snapshot, words: IndicatorStrings): string => {
  const { nextRetryAt, status, attempt, maxAttempts: max } = snapshot
  if (nextRetryAt === null) return ''
  const seconds = Math.max(0, Math.ceil((nextRetryAt - Date.now()) / 1000))
  // Without a fallback it goes on past the last one.
  const counted = status === 'RECONNECTING' && attempt <= max
  return fill(counted ? words.countdown : words.probe, { seconds, attempt, max })
}

const age = ({ lastMessageAt }: Snapshot, words: IndicatorStrings): string => {
  const ms = lastMessageAt === null ? 0 : Date.now() - lastMessageAt
  if (ms <= OLD_MS) return ''
  const seconds = Math.round(ms / 1000)
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  const text = minutes < 2 ? words.age : hours < 2 ? words.ageMinutes : words.ageHours
  return fill(text, { seconds, minutes, hours })
}

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
  #panel: Details | undefined
  /** Closed for good, as far as we have heard; no snapshot says so. */
  #closed = false
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
    this.#closed = false
    if (!client) this.#blank()
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
    this.#panel = createDetails(this.#details())
    this.#part('badge').addEventListener('click', () =>
      this.#toggle(Boolean(this.#details().hidden)),
    )
    this.#part('retry').addEventListener('click', () => this.#tryNow())
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

  #live(): HTMLElement {
    return this.shadowRoot?.querySelector('[role=status]') as HTMLElement
  }

  #row(): HTMLElement {
    return this.#part('row')
  }

  #toggle(shown: boolean): void {
    this.#details().hidden = !shown
    this.#part('badge').setAttribute('aria-expanded', String(shown))
    this.#panel?.reset()
    this.#render()
    if (shown) this.#details().focus()
  }

  #tryNow(): void {
    try {
      this.#client?.reconnect()
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'CLOSED') throw error
      this.#closed = true
      this.#render()
    }
  }

  /** As long as there is no client. */
  #blank(): void {
    this.#announced = ''
    delete this.dataset['status']
    if (!this.shadowRoot) return
    this.#row().hidden = true
    this.#live().textContent = ''
    if (!this.#details().hidden) this.#toggle(false)
  }

  #join(): void {
    const client = this.#client
    if (!this.shadowRoot || this.#stop) return
    if (!client) return this.#blank()
    this.#row().hidden = false
    const outside = (event: Event): void => {
      if (!event.composedPath().includes(this) && !this.#details().hidden) this.#toggle(false)
    }
    document.addEventListener('pointerdown', outside)
    const clock = setInterval(() => this.#tick(), TICK_MS)
    let announcing: ReturnType<typeof setTimeout> | undefined
    const announce = (): void => {
      clearTimeout(announcing)
      announcing = setTimeout(() => this.#announce(), LASTS_MS)
    }
    const offs = [
      client.onChange(() => this.#schedule()),
      client.on('latency', latencyMs => {
        this.#roundTrips = [...this.#roundTrips, latencyMs].slice(-ROUND_TRIPS)
      }),
      client.on('status', announce),
      () => clearInterval(clock),
      () => clearTimeout(announcing),
      () => document.removeEventListener('pointerdown', outside),
    ]
    this.#stop = () => {
      for (const off of offs) off()
    }
    const { label } = this.#describe(client)
    if (this.#announced && this.#announced !== label) {
      // Another client: what was said of the one before is no longer so.
      this.#live().textContent = ''
      announce()
    }
    // What is so from the beginning is no news.
    this.#announced ||= label
    this.#render()
  }

  #leave(): void {
    this.#stop?.()
    this.#stop = undefined
    clearTimeout(this.#scheduled)
    this.#scheduled = undefined
    this.#panel?.reset()
  }

  #describe(client: AnySocket): ConnectionDescription {
    const snapshot = client.getSnapshot()
    const { nextRetryAt } = snapshot
    // Beside a countdown, which counts the attempts too.
    return describeConnection(snapshot, {
      ...this.#strings,
      ...(nextRetryAt !== null && { attempt: '' }),
    })
  }

  #announce(): void {
    if (!this.#client) return
    const { label, detail } = this.#describe(this.#client)
    if (label === this.#announced) return
    this.#announced = label
    this.#live().textContent = [label, detail].filter(Boolean).join('. ')
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
    const client = this.#client
    if (!client || !this.shadowRoot) return
    const { color, label, detail, canRetry, status } = this.#describe(client)
    const row = this.#row()
    if (row.dataset['color'] !== color) {
      row.dataset['color'] = color
      row.className = `row ${color}`
      const icon = row.querySelector('svg') as SVGElement
      icon.innerHTML = ICONS[color]
    }
    this.dataset['status'] = status
    setText(this.#part('label'), label)
    setText(this.#part('detail'), detail)
    setText(this.#part('retry'), this.#words().retry)
    const closed = this.#closed || client.stateHistory.at(-1)?.reason === 'Closed'
    this.#part('retry').hidden = !canRetry || closed
    this.#tick()
    if (!this.#details().hidden) this.#panel?.update(client, this.#words(), this.#roundTrips)
  }

  /** What changes by itself: outside the live region, or a screen reader would read it every second. */
  #tick(): void {
    if (!this.#client) return
    const snapshot = this.#client.getSnapshot()
    const words = this.#words()
    setText(this.#part('countdown'), countdown(snapshot, words))
    setText(this.#part('age'), age(snapshot, words))
  }
}
