/** `<connection-status>`: shows a client that it is given, and never opens a connection. */
import type { ResilientWebSocketError, Snapshot } from 'resilient-websocket'
import { type Badge, createBadge } from './badge.ts'
import type { AnyClient } from './client.ts'
import { describeConnection } from './describe.ts'
import { createPanel, type Panel } from './panel.ts'
import { ENGLISH, type IndicatorStrings } from './strings.ts'
import { style } from './styles.ts'

const TICK_MS = 1000
const LATENCIES = 60

// On a server there is no HTMLElement, and nothing to show.
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement

/**
 * The connection as icon, colour and words, with a countdown to the next try, a button to try now,
 * and details on demand.
 *
 * ```ts
 * import 'resilient-websocket/indicator'
 *
 * document.querySelector('connection-status').client = socket
 * ```
 *
 * Themable by `--connection-status-green`, `-yellow`, `-blue`, `-red`, `-text`, `-background`,
 * `-radius` and `-font`, and by the parts `badge`, `icon`, `label`, `countdown`, `age`, `retry`,
 * `details-button`, `details`, `detail`, `error`, `hint`, `sparkline`, `queued`, `history` and
 * `copy`. The host carries `data-status` and `data-color`; without a client it shows nothing.
 */
export class ConnectionStatusElement extends Base {
  #client: AnyClient | null = null
  #strings: IndicatorStrings = ENGLISH
  #offs: (() => void)[] = []
  #timer: ReturnType<typeof setTimeout> | undefined
  #shown: Snapshot | undefined
  #maxAttempts: number | undefined
  #error: ResilientWebSocketError | null = null
  #latencies: number[] = []
  readonly #badge: Badge
  readonly #panel: Panel

  constructor() {
    super()
    const root = this.attachShadow({ mode: 'open' })
    style(root)
    this.#badge = createBadge()
    this.#panel = createPanel(this.#badge.element, this.#badge.more)
    root.append(this.#badge.element, this.#panel.element)
    this.#badge.retry.addEventListener('click', () => this.#client?.reconnect())
    this.#badge.more.addEventListener('click', () => this.#toggle())
    this.addEventListener('keydown', event => {
      if (event.key !== 'Escape' || !this.#panel.isOpen) return
      this.#close()
      this.#badge.more.focus()
    })
  }

  /** The client to show; null shows nothing. It is listened to, never connected or closed. */
  get client(): AnyClient | null {
    return this.#client
  }
  set client(client: AnyClient | null | undefined) {
    if (client && typeof client.getSnapshot !== 'function') {
      throw new TypeError(
        `connection-status.client: expected what createResilientWebSocket() returns, got ${typeof client}`,
      )
    }
    if (this.#client === (client ?? null)) return
    this.#stop()
    this.#client = client ?? null
    this.#start()
  }

  /** Words to use instead of the English ones; what is not given stays as it is. */
  get strings(): IndicatorStrings {
    return this.#strings
  }
  set strings(strings: Partial<IndicatorStrings>) {
    this.#strings = {
      ...ENGLISH,
      ...strings,
      labels: { ...ENGLISH.labels, ...strings.labels },
      details: { ...ENGLISH.details, ...strings.details },
      hints: { ...ENGLISH.hints, ...strings.hints },
    }
    this.#show()
  }

  connectedCallback(): void {
    // Set before this class was defined, they hide its accessors.
    this.#adopt('client')
    this.#adopt('strings')
    this.#start()
  }

  disconnectedCallback(): void {
    this.#stop()
  }

  #adopt(name: 'client' | 'strings'): void {
    if (!Object.hasOwn(this, name)) return
    const value = this[name]
    delete (this as Partial<this>)[name]
    this[name] = value as never
  }

  #start(): void {
    const client = this.#client
    if (!client || !this.isConnected || this.#offs.length) return
    this.#error = client.error
    this.#offs = [
      client.onChange(() => this.#changed()),
      client.on('retry', ({ maxAttempts }) => {
        this.#maxAttempts = maxAttempts
        this.#show()
      }),
      client.on('error', error => {
        this.#error = error
      }),
      client.on('latency', latencyMs => {
        this.#latencies = [...this.#latencies, latencyMs].slice(-LATENCIES)
      }),
    ]
    this.#tick()
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#close()
    this.#badge.stop()
    for (const off of this.#offs.splice(0)) off()
    this.#shown = undefined
    this.#maxAttempts = undefined
    this.#error = null
    this.#latencies = []
    delete this.dataset['status']
    delete this.dataset['color']
  }

  /** Runs on every message; draws only what cannot wait for the next second. */
  #changed(): void {
    const now = this.#client?.getSnapshot()
    const before = this.#shown
    if (
      now?.status !== before?.status ||
      now?.phase !== before?.phase ||
      now?.nextRetryAt !== before?.nextRetryAt
    ) {
      this.#show()
    }
  }

  #tick(): void {
    this.#show()
    this.#timer = setTimeout(() => this.#tick(), TICK_MS)
  }

  #show(): void {
    const client = this.#client
    if (!client || !this.isConnected) return
    const snapshot = client.getSnapshot()
    this.#shown = snapshot
    const { status, color } = describeConnection(snapshot)
    this.dataset['status'] = status
    this.dataset['color'] = color
    this.#badge.show(snapshot, this.#strings, this.#maxAttempts)
    this.#panel.show(client, { error: this.#error, latencies: this.#latencies }, this.#strings)
  }

  #toggle(): void {
    if (this.#panel.isOpen) this.#close()
    else {
      this.#panel.open()
      this.#show()
      document.addEventListener('pointerdown', this.#outside)
    }
  }

  #close(): void {
    this.#panel.close()
    document.removeEventListener('pointerdown', this.#outside)
  }

  readonly #outside = (event: Event): void => {
    if (!event.composedPath().includes(this)) this.#close()
  }
}

/**
 * Makes `<connection-status>` known to the page; importing this entry has done it already. Does
 * nothing on a server, and nothing the second time.
 */
export const defineConnectionStatus = (): void => {
  const { customElements } = globalThis
  if (customElements && !customElements.get('connection-status')) {
    customElements.define('connection-status', ConnectionStatusElement)
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'connection-status': ConnectionStatusElement
  }
}
