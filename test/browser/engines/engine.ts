/** What the tests need of a browser, whichever way it is driven. */

/** One tab of a browser. */
export interface Tab {
  goto(url: string): Promise<void>
  /** The browser's back button. */
  back(): Promise<void>
  /** The value of an expression in the page; a promise is waited for. It must survive JSON. */
  evaluate<T>(expression: string): Promise<T>
  /** Puts another tab before it. */
  hide(): Promise<void>
  show(): Promise<void>
  /** Freezes the page, as browsers do on phones, or thaws it. Absent where pages never are. */
  freeze?(frozen: boolean): Promise<void>
  /** Takes the network away, as the browser sees it, or gives it back. Absent where the driver cannot. */
  setOffline?(offline: boolean): Promise<void>
  close(): Promise<void>
}

export interface Browser {
  readonly version: string
  open(url: string): Promise<Tab>
  close(): Promise<void>
}

export interface LaunchOptions {
  /** An HTTP proxy for all that is not on loopback, `127.0.0.1:PORT`. */
  readonly proxy: string
}

/** What cannot be tested everywhere. */
export type Skill = 'back/forward cache' | 'freeze' | 'offline' | 'offline in a worker'

export interface Engine {
  readonly name: 'Chromium' | 'Firefox' | 'WebKitGTK'
  /** Files without which it cannot be started. */
  readonly missing: readonly string[]
  /** What it cannot show, and why not; docs/browsers.md says so too. */
  readonly cannot: Readonly<Partial<Record<Skill, string>>>
  launch(options: LaunchOptions): Promise<Browser>
}

/** Hosts that are reached without the proxy. */
export const NO_PROXY: readonly string[] = ['127.0.0.1', 'localhost']
