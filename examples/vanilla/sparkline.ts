/** The last prices as one line. */
import { shape } from './dom.ts'

const WIDTH = 120
const HEIGHT = 30
const POINTS = 60
const STEP = WIDTH / (POINTS - 1)

export interface Sparkline {
  readonly svg: SVGSVGElement
  add(value: number): void
}

export const createSparkline = (): Sparkline => {
  const values: number[] = []
  const svg = shape('svg', {
    class: 'sparkline',
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: 'none',
    'aria-hidden': 'true',
  })
  const area = shape('polygon', { class: 'area' })
  const line = shape('polyline', { class: 'line', 'vector-effect': 'non-scaling-stroke' })
  svg.append(area, line)

  return {
    svg,
    add(value) {
      values.push(value)
      if (values.length > POINTS) values.shift()
      const low = Math.min(...values)
      const range = Math.max(...values) - low || 1
      const points = values.map((each, index) => {
        // The newest stands at the right edge, however few there are.
        const x = WIDTH - (values.length - 1 - index) * STEP
        const y = HEIGHT - 3 - ((each - low) / range) * (HEIGHT - 6)
        return `${x.toFixed(1)},${y.toFixed(1)}`
      })
      line.setAttribute('points', points.join(' '))
      area.setAttribute(
        'points',
        `${WIDTH - (values.length - 1) * STEP},${HEIGHT} ${points.join(' ')} ${WIDTH},${HEIGHT}`,
      )
    },
  }
}
