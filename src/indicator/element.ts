/** `<connection-status>`: shows a client that it is given; never opens a connection. */
import type { AnyClient } from '../adapters/options.ts'
import { type Announcer, createAnnouncer } from './announcer.ts'
import {
  type ConnectionDescription,
  describeConnection,
  type IndicatorStrings,
  STRINGS,
} from './describe.ts'
import { createDetails, type Details } from './details.ts'
import { setText } from './dom.ts'
import { createMoments } from './moments.ts'
import { age, countdown } from './moving-texts.ts'
import { buildParts, ICONS } from './parts.ts'
import { style } from './styles.ts'

const TICK_MS = 1000
const ROUND_TRIPS = 30
// On a server there is no HTMLElement; importing must not fail there.
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement

/**
 * Shows the state of a client: icon, colour and label, a countdown, the age of the data, a "Try now" button, and details
 * on demand. Set `client` to show one, and `strings` to replace texts.
 *
 * ```ts
 * document.querySelector('connection-status').client = socket
 * ```
 *
 * Custom properties: `--connection-status-green`, `-yellow`, `-blue`, `-red`, `-text`, `-muted`, `-surface`,
 * `-line`, `-font`. Parts: `row`, `badge`, `label`, `detail`, `countdown`, `age`, `retry`, `details`.
 */
export class ConnectionStatusElement extends Base {
  #client: AnyClient | undefined
  #strings: Partial<IndicatorStrings> = {}
  #texts: IndicatorStrings = STRINGS
  #stop: (() => void) | undefined
  #moments = createMoments()
  #announcer: Announcer = createAnnouncer({
    current: () => {
      const { label, detail } = this.#describe(this.#client as AnyClient)
      return { label, text: [label, detail].filter(Boolean).join('. ') }
    },
    unstable: () => this.#texts.unstable,
    say: text => {
      this.#live().textContent = text
    },
  })
  #roundTrips: number[] = []
  #panel: Details | undefined
  #scheduled: ReturnType<typeof setTimeout> | undefined

  /** The client to show; `undefined` shows nothing. Throws a `TypeError` for anything else. @default undefined */
  get client(): AnyClient | undefined {
    return this.#client
  }
  set client(client: AnyClient | undefined) {
    if (client && typeof client.getSnapshot !== 'function') {
      throw new TypeError('client: expected a client of createResilientWebSocket()')
    }
    if (client === this.#client) return
    this.#leave()
    this.#client = client
    this.#roundTrips = []
    this.#moments = createMoments()
    if (!client) this.#blank()
    if (this.isConnected) this.#join()
  }

  /** Texts to replace; those that are missing stay English. @default {} */
  get strings(): Partial<IndicatorStrings> {
    return this.#strings
  }
  set strings(strings: Partial<IndicatorStrings>) {
    this.#strings = strings
    this.#texts = { ...STRINGS, ...strings }
    if (this.isConnected) this.#render()
  }

  /** Called by the browser: listens to the client. */
  connectedCallback(): void {
    // A property that was set before the class was known hides the accessor.
    for (const name of ['client', 'strings'] as const) {
      if (!Object.hasOwn(this, name)) continue
      const value = this[name]
      Reflect.deleteProperty(this, name)
      Object.assign(this, { [name]: value })
    }
    if (!this.shadowRoot) this.#build(this.attachShadow({ mode: 'open' }))
    // In another document its own styles are gone.
    style(this.shadowRoot as ShadowRoot)
    if (!this.#client) this.#explainAttribute()
    this.#join()
  }

  /** Called by the browser: lets go of the client; no timer or listener is left. */
  disconnectedCallback(): void {
    this.#leave()
  }

  #build(root: ShadowRoot): void {
    root.append(...buildParts(root.ownerDocument))
    this.#panel = createDetails(this.#details(), text => this.#announcer.say(text))
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

  /** A framework that rendered the element before its class was known wrote the client into an attribute. */
  #explainAttribute(): void {
    if (!this.getAttribute('client')?.startsWith('[object')) return
    console.error(
      '<connection-status>: `client` came as an attribute, so that nothing can be shown. Import ' +
        "'resilient-websocket/indicator' before the first render, or use <ConnectionStatus> of " +
        "'resilient-websocket/react' or '/vue'; in a Vue template `:client.prop` does it, too.",
    )
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
    // It may have been closed since the button was rendered.
    if (this.#client?.getSnapshot().phase === 'ended') this.#render()
    else this.#client?.reconnect()
  }

  /** As long as there is no client. */
  #blank(): void {
    this.#announcer.forget()
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
    const page = this.ownerDocument
    page.addEventListener('pointerdown', outside)
    const clock = setInterval(() => this.#tick(), TICK_MS)
    const offs = [
      client.onChange(() => this.#schedule()),
      client.on('latency', latencyMs => {
        this.#roundTrips = [...this.#roundTrips, latencyMs].slice(-ROUND_TRIPS)
      }),
      client.on('status', () => this.#announcer.changed()),
      () => clearInterval(clock),
      () => this.#announcer.stop(),
      () => page.removeEventListener('pointerdown', outside),
    ]
    this.#stop = () => {
      for (const off of offs) off()
    }
    this.#announcer.begin(this.#describe(client).label)
    this.#render()
  }

  #leave(): void {
    this.#stop?.()
    this.#stop = undefined
    clearTimeout(this.#scheduled)
    this.#scheduled = undefined
    this.#panel?.reset()
  }

  #describe(client: AnyClient): ConnectionDescription {
    const snapshot = client.getSnapshot()
    return describeConnection(snapshot, {
      ...this.#strings,
      // Beside a countdown, which counts the attempts too.
      ...(snapshot.nextRetryAt !== null && { attempt: '' }),
    })
  }

  /** A client may change a thousand times a second; the eye does not. */
  #schedule(): void {
    this.#scheduled ??= setTimeout(() => {
      this.#scheduled = undefined
      this.#render()
    }, 0)
  }

  #render(): void {
    const client = this.#client
    if (!client || !this.shadowRoot) return
    const { color, label, detail, canRetry, status } = this.#describe(client)
    const row = this.#row()
    if (row.dataset['color'] !== color) {
      row.dataset['color'] = color
      row.className = `row ${color}`
      const icon = row.querySelector('path') as SVGElement
      const [path, width] = ICONS[color]
      icon.setAttribute('d', path)
      icon.setAttribute('stroke-width', width)
    }
    this.dataset['status'] = status
    setText(this.#part('label'), label)
    setText(this.#part('detail'), detail)
    this.#showRetry(canRetry)
    this.#tick()
    if (!this.#details().hidden) this.#panel?.update(client, this.#texts, this.#roundTrips)
  }

  #showRetry(shown: boolean): void {
    const retry = this.#part('retry')
    setText(retry, this.#texts.retry)
    // A button that disappears would lose the focus of the keyboard to the page.
    if (!shown && this.shadowRoot?.activeElement === retry) this.#part('badge').focus()
    retry.hidden = !shown
  }

  /** Texts that change by themselves: outside the live region, or a screen reader would read it every second. */
  #tick(): void {
    if (!this.#client) return
    const snapshot = this.#client.getSnapshot()
    setText(this.#part('countdown'), countdown(snapshot, this.#texts, this.#moments))
    setText(this.#part('age'), age(snapshot, this.#texts, this.#moments))
  }
}
