/** What `npm start` offers beside the page: the state of the demo, and buttons that break things. */

export interface Demo {
  /** Where the page connects to: a proxy in front of the server. */
  readonly socketUrl: string
  readonly network: 'fine' | 'black hole' | 'blocks WebSocket' | 'slow'
  readonly server: 'running' | 'stopped'
  /** What the prices are: simulated, or a recording. */
  readonly feed: string
  readonly channels: readonly string[]
}

/** Undefined where the page is served by something else; then there is nothing to break. */
export const loadDemo = async (): Promise<Demo | undefined> => {
  try {
    const response = await fetch('/demo/state', { cache: 'no-store' })
    return response.ok ? await response.json() : undefined
  } catch {
    return undefined
  }
}

export const breakThings = async (fault: string): Promise<Demo> => {
  const response = await fetch(`/demo/${fault}`, { method: 'POST' })
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`)
  return response.json()
}
