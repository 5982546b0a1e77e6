const price = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
const small = new Intl.NumberFormat('en-US', {
  minimumSignificantDigits: 4,
  maximumSignificantDigits: 4,
})
const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })

/** Two decimals, or more where they are all there is. */
export const formatPrice = (value: number): string =>
  value > 0 && value < 1 ? small.format(value) : price.format(value)
export const formatWhole = (value: number): string => whole.format(value)
export const formatShort = (value: number): string => short.format(value)
export const formatClock = (atMs: number): string => clock.format(atMs)

/** With its sign, and a real minus. */
export const formatSigned = (value: number, unit = ''): string =>
  `${value < 0 ? '\u2212' : '+'}${price.format(Math.abs(value))}${unit}`

/** 8 s, 3 min, 2 h: where there is little room. */
export const formatAge = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`
}

/** 8 s, 3 min 20 s, 2 h 5 min. */
export const formatDuration = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
}
