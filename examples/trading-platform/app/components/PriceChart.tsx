'use client'
import {
  CandlestickSeries,
  ColorType,
  createChart,
  type IChartApi,
  type ISeriesApi,
  type UTCTimestamp,
} from 'lightweight-charts'
import { useEffect, useRef } from 'react'
import { useDesk } from '@/app/hooks/useDesk'
import { useQuote } from '@/app/hooks/useQuote'
import { useStore } from '@/app/hooks/useStore'
import { formatPrice, formatShort, formatSigned } from '@/app/market/format'
import type { Bar } from '@/app/market/messages'
import { Mark } from './Mark'

/** The chart draws on a canvas and knows nothing of style sheets. */
const colors = () => {
  const style = getComputedStyle(document.documentElement)
  const of = (name: string) => style.getPropertyValue(name).trim()
  return {
    text: of('--soft'),
    line: of('--line'),
    up: of('--up'),
    down: of('--down'),
    old: of('--faint'),
  }
}

const paint = (chart: IChartApi, series: ISeriesApi<'Candlestick'>, stale: boolean): void => {
  const { text, line, up, down, old } = colors()
  chart.applyOptions({
    layout: {
      background: { type: ColorType.Solid, color: 'transparent' },
      textColor: text,
      fontSize: 11,
      fontFamily: getComputedStyle(document.body).fontFamily,
    },
    grid: { vertLines: { color: line }, horzLines: { color: line } },
    rightPriceScale: { borderVisible: false },
    timeScale: { borderVisible: false, timeVisible: true, secondsVisible: false, rightOffset: 4 },
  })
  series.applyOptions({
    upColor: up,
    wickUpColor: up,
    borderUpColor: up,
    downColor: down,
    wickDownColor: down,
    borderDownColor: down,
    // Of the tag and the line at the last price; empty: the colour of the last bar.
    priceLineColor: stale ? old : '',
  })
}

/** The chart counts in UTC; traders read their own clock. */
const candle = ([start, open, high, low, close]: Bar) => ({
  time: (start - new Date(start * 1000).getTimezoneOffset() * 60) as UTCTimestamp,
  open,
  high,
  low,
  close,
})

export const PriceChart = () => {
  const desk = useDesk()
  const symbol = useStore(desk.selected)
  const aged = useQuote(symbol)
  const { quote, stale } = aged
  const box = useRef<HTMLDivElement>(null)
  const isStale = useRef(stale)
  const repaintNow = useRef(() => {})

  useEffect(() => {
    if (!box.current) return
    const chart = createChart(box.current, { autoSize: true })
    const series = chart.addSeries(CandlestickSeries)
    const scheme = matchMedia('(prefers-color-scheme: dark)')
    const repaint = (): void => paint(chart, series, isStale.current)
    repaintNow.current = repaint
    repaint()
    scheme.addEventListener('change', repaint)

    const store = desk.bars(symbol)
    let drawn: readonly Bar[] = []
    const draw = (): void => {
      const bars = store.get()
      const last = bars.at(-1)
      const grown = bars.length - drawn.length
      // All before the last bar as it was: then one bar is enough.
      if (
        last &&
        drawn.length &&
        (grown === 0 || grown === 1) &&
        bars[0] === drawn[0] &&
        bars.at(-2 - grown) === drawn.at(-2)
      ) {
        for (const bar of bars.slice(-1 - grown)) series.update(candle(bar))
      } else {
        series.setData(bars.map(candle))
      }
      drawn = bars
    }
    draw()
    const stop = store.subscribe(draw)
    return () => {
      stop()
      repaintNow.current = () => {}
      scheme.removeEventListener('change', repaint)
      chart.remove()
    }
  }, [desk, symbol])

  useEffect(() => {
    isStale.current = stale
    repaintNow.current()
  }, [stale])

  const tone = (quote?.change ?? 0) < 0 ? 'down' : 'up'
  return (
    <section className="panel chart" aria-labelledby="chart">
      <div className="headline">
        <h2 id="chart">{symbol}</h2>
        {quote && (
          <>
            <b className="last" data-stale={stale}>
              {formatPrice(quote.price)}
            </b>
            <span className="change" data-tone={tone} data-stale={stale}>
              {formatSigned(quote.change)} ({formatSigned(quote.changePercent, '%')})
            </span>
            <Mark {...aged} />
            <span className="volume">Volume {formatShort(quote.volume)}</span>
          </>
        )}
        <span className="unit">5 s bars</span>
      </div>
      <div className="canvas" ref={box} data-testid="chart" />
    </section>
  )
}
