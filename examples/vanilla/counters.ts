/** Numbers that prove the point, and the rate of the last minute. */
import type { Connection } from './connection.ts'
import { byId, shape, write } from './dom.ts'
import type { Tally } from './tally.ts'

const SECONDS = 60
const MEASURE_MS = 3000
const WIDTH = 240
const HEIGHT = 40

const number = new Intl.NumberFormat('en-US')

const verdict = ({ missed, gaps }: Tally): string => {
  if (gaps) {
    return `${number.format(missed)} messages came while the page was away. It was told so (${gaps === 1 ? 'once' : `${number.format(gaps)} times`}) and shows the newest.`
  }
  return missed
    ? `While polling only the newest of each channel comes: ${number.format(missed)} others were skipped.`
    : 'Every channel numbers its messages, and the page checks the numbers.'
}

export const mountCounters = (socket: Connection, tally: Tally): void => {
  const chart = byId<SVGSVGElement>('rate')
  const words = byId('proof-words')
  const rates: number[] = []
  let before = 0

  let roundTripMs: number | undefined

  // The library pings only a silent link. Prices make this one talk all the time, so the page asks.
  // It is the connection's that was measured, and goes with it.
  socket.on('status', () => {
    roundTripMs = undefined
  })
  const measure = async (): Promise<void> => {
    if (!socket.isConnected) return
    const { connectedAt } = socket.getSnapshot()
    const start = performance.now()
    let measured: number | undefined
    try {
      await socket.request({ type: 'echo', data: 'round trip' }, { timeoutMs: MEASURE_MS })
      measured = performance.now() - start
    } catch {
      // No answer: there is nothing to show.
    }
    if (socket.getSnapshot().connectedAt === connectedAt) roundTripMs = measured
  }

  const bars = Array.from({ length: SECONDS }, (_, index) =>
    shape('rect', { x: `${(index * WIDTH) / SECONDS}`, width: `${WIDTH / SECONDS - 1}`, y: '0' }),
  )
  chart.append(...bars)

  const show = (id: string, value: string): void => write(byId(id), value)

  const draw = (): void => {
    show('count-received', number.format(tally.received))
    show('count-batches', number.format(tally.batches))
    show('count-duplicates', number.format(socket.metrics().duplicate ?? 0))
    show('count-doubled', number.format(tally.doubled))
    show('count-missing', number.format(tally.missing))
    show('count-missed', number.format(tally.missed))
    show('count-latency', roundTripMs === undefined ? '–' : `${Math.round(roundTripMs)} ms`)
    byId('count-missing').classList.toggle('bad', tally.missing > 0)
    byId('count-doubled').classList.toggle('bad', tally.doubled > 0)
    write(words, verdict(tally))
  }

  const drawRate = (): void => {
    rates.push(tally.received - before)
    before = tally.received
    if (rates.length > SECONDS) rates.shift()
    show('count-rate', number.format(rates.at(-1) ?? 0))
    const top = Math.max(...rates, 1)
    for (const [index, bar] of bars.entries()) {
      const rate = rates[index - (SECONDS - rates.length)] ?? 0
      const height = (rate / top) * HEIGHT
      bar.setAttribute('y', `${HEIGHT - height}`)
      bar.setAttribute('height', `${height}`)
    }
  }

  setInterval(measure, MEASURE_MS)
  setInterval(draw, 250)
  setInterval(drawRate, 1000)
  draw()
}
