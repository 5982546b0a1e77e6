import type { Bar } from '@/app/market/messages'

const WIDTH = 58
const HEIGHT = 22
const POINTS = 58

export const Sparkline = ({ bars, tone }: { bars: readonly Bar[]; tone: 'up' | 'down' }) => {
  const closes = bars.slice(-POINTS).map(bar => bar[4])
  if (closes.length < 2)
    return <svg className="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" />
  const low = Math.min(...closes)
  const span = Math.max(...closes) - low || 1
  const points = closes.map((close, index) => {
    const x = (index / (closes.length - 1)) * WIDTH
    const y = HEIGHT - 2 - ((close - low) / span) * (HEIGHT - 4)
    return `${x.toFixed(1)},${y.toFixed(1)}`
  })
  return (
    <svg className="spark" data-tone={tone} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <polyline points={points.join(' ')} />
    </svg>
  )
}
