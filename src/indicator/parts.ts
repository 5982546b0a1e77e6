/** The nodes of the indicator, and its icons. */
import type { IndicatorColor } from './describe.ts'
import { buildDetails } from './details.ts'
import { html, svg } from './dom.ts'

/** The path of an icon, and how thick it is. */
export const ICONS: Readonly<Record<IndicatorColor, readonly [path: string, width: string]>> = {
  green: ['M3 8.5l3.2 3.2L13 5', '2.2'],
  yellow: ['M8 2.5a5.5 5.5 0 1 1-5.2 3.7', '2.2'],
  blue: ['M2 6h9l-3-3M14 10H5l3 3', '2'],
  red: ['M4 4l8 8M12 4l-8 8', '2.2'],
}

/** The element's own nodes, without a client. */
export const buildParts = (page: Document): HTMLElement[] => {
  const icon = svg(
    page,
    'svg',
    { viewBox: '0 0 16 16', 'aria-hidden': 'true' },
    svg(page, 'path', { fill: 'none', stroke: 'currentColor' }),
  )
  const quiet = (part: string): HTMLElement => html(page, 'span', { class: 'quiet', part })
  return [
    html(
      page,
      'div',
      { class: 'row', part: 'row' },
      html(
        page,
        'button',
        {
          type: 'button',
          class: 'badge',
          part: 'badge',
          'aria-haspopup': 'dialog',
          'aria-expanded': 'false',
        },
        icon,
        html(page, 'span', { part: 'label' }),
      ),
      quiet('detail'),
      quiet('countdown'),
      quiet('age'),
      html(page, 'button', { type: 'button', class: 'action', part: 'retry', hidden: '' }),
    ),
    html(page, 'span', { class: 'hidden', role: 'status' }),
    buildDetails(page),
  ]
}
