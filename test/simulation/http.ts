/** Requests of the client: lost, late, refused on the way, or answered. */
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'
import type { Tap } from './network.ts'

export interface HttpRequest {
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string>
  readonly body: string
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: string
}

export interface HttpWeather {
  /** The share of requests that never arrive, of answers that never do, and of both that come late. */
  lostRequests: number
  lostAnswers: number
  lateRequests: number
  lateAnswers: number
  /** The share that something on the way answers with 429 or 503. */
  refusals: number
}

export interface HttpHooks {
  readonly clock: Clock
  readonly chance: Chance
  readonly weather: HttpWeather
  latency(): number
  /** `undefined`: nobody listens. */
  answer(request: HttpRequest): Promise<HttpAnswer> | undefined
  toClient(run: () => void): void
  /** Aborts are not heard. */
  isDeaf(): boolean
  readonly tap: Tap
}

export interface Http {
  readonly fetch: typeof fetch
  /** Requests that the client still waits for. */
  waiting(): number
  /** Nothing that answers asked for counts any more. */
  rest(): void
}

export const createFetch = (hooks: HttpHooks): Http => {
  const { clock, chance, weather, latency, toClient, tap } = hooks
  let waiting = 0
  /** An answer has asked for no request before, ms of the run. */
  let notBefore = 0

  const late = (share: number): number => (chance.maybe(share) ? chance.whole(200, 8000) : 0)

  /** Something on the way that has enough to do. */
  const refusal = (): HttpAnswer => ({
    status: chance.pick([429, 503]),
    headers: chance.maybe(0.5) ? { 'retry-after': `${chance.whole(1, 3)}` } : {},
    body: '',
  })

  const fetching = (url: string, init: RequestInit = {}): Promise<unknown> =>
    new Promise((resolve, reject) => {
      waiting++
      let open = true
      const settle = (run: () => void): void => {
        if (!open) return
        open = false
        waiting--
        run()
      }
      const { signal } = init
      const abort = (): void => {
        if (!hooks.isDeaf()) settle(() => reject(signal?.reason))
      }
      if (signal?.aborted) return settle(() => reject(signal.reason))
      if (clock.now() < notBefore) tap.violation('a request came before Retry-After was over')
      signal?.addEventListener('abort', abort)
      const body = String(init.body ?? '')
      if (body) tap.written(body, {})
      if (chance.maybe(weather.lostRequests)) return
      const loses = chance.maybe(weather.lostAnswers)
      const refused = chance.maybe(weather.refusals)
      const takes = latency() + late(weather.lateAnswers)
      const bring = ({ status, headers, body: text }: HttpAnswer): void => {
        if (loses) return
        const response = {
          ok: status >= 200 && status < 300,
          status,
          headers: { get: (name: string) => headers[name] ?? null },
          text: async () => text,
        }
        const heard = (): void => {
          // Who is refused begins anew with another token.
          if (status === 401) notBefore = 0
          const seconds = Number(headers['retry-after'] ?? 0)
          const until = clock.now() + seconds * 1000
          if (seconds && !signal?.aborted) notBefore = Math.max(notBefore, until)
          resolve(response)
        }
        clock.after(takes, () => toClient(() => settle(heard)))
      }
      clock.after(latency() + late(weather.lateRequests), () => {
        if (refused) return bring(refusal())
        const headers = init.headers as Record<string, string>
        const answering = hooks.answer({ method: init.method ?? 'GET', url, headers, body })
        if (answering) answering.then(bring)
        else {
          const fails = (): void => settle(() => reject(new TypeError('fetch failed')))
          clock.after(latency(), () => toClient(fails))
        }
      })
    })

  return {
    fetch: fetching as unknown as typeof fetch,
    waiting: () => waiting,
    rest() {
      notBefore = 0
    },
  }
}
