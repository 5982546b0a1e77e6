/** The details on demand: built when opened, above everything else on the page. */
import type { AnyClient } from './client.ts'
import { detailsOf, diagnosticsOf, type Heard } from './details.ts'
import { html, write } from './dom.ts'
import type { IndicatorStrings } from './strings.ts'

export interface Panel {
  readonly element: HTMLElement
  readonly isOpen: boolean
  open(): void
  close(): void
  /** Draws what has changed since the last time, if it is open. */
  show(client: AnyClient, heard: Heard, strings: IndicatorStrings): void
}

const GAP_PX = 6

/** Opens below `anchor`, or above it where there is more room; `button` says whether it is open. */
export const createPanel = (anchor: HTMLElement, button: HTMLElement): Panel => {
  const facts = html('div')
  const copy = html('button', { part: 'copy', type: 'button' })
  const byHand = html('div')
  const element = html(
    'div',
    { part: 'details', class: 'panel', id: 'details', role: 'group', tabindex: '-1' },
    facts,
    copy,
    byHand,
  )
  // The top layer, where there is one: no `overflow: hidden` of the page cuts it off.
  const layered = typeof element.showPopover === 'function'
  if (layered) element.popover = 'manual'
  else element.hidden = true

  let isOpen = false
  let drawn = ''
  let diagnostics = (): string => ''
  let words: IndicatorStrings | undefined

  const place = (): void => {
    const { top, bottom, left } = anchor.getBoundingClientRect()
    const { offsetWidth, offsetHeight } = element
    const above = bottom + GAP_PX + offsetHeight > innerHeight && top > innerHeight - bottom
    const y = above ? top - GAP_PX - offsetHeight : bottom + GAP_PX
    element.style.top = `${Math.max(GAP_PX, y)}px`
    element.style.left = `${Math.max(GAP_PX, Math.min(left, innerWidth - offsetWidth - GAP_PX))}px`
  }

  const copyByHand = (text: string): void => {
    const field = html('textarea', { readonly: '' })
    field.value = text
    byHand.replaceChildren(html('label', {}, words?.copyByHand ?? '', field))
    field.select()
  }

  copy.addEventListener('click', async () => {
    const text = diagnostics()
    try {
      // Absent on pages without https.
      await navigator.clipboard.writeText(text)
      write(copy, words?.copied ?? '')
    } catch {
      copyByHand(text)
    }
  })

  return {
    element,
    get isOpen() {
      return isOpen
    },
    open() {
      if (isOpen) return
      isOpen = true
      if (layered) element.showPopover()
      element.hidden = false
      button.setAttribute('aria-expanded', 'true')
      place()
      addEventListener('resize', place)
      addEventListener('scroll', place, true)
    },
    close() {
      if (!isOpen) return
      isOpen = false
      drawn = ''
      if (layered && element.isConnected) element.hidePopover()
      if (!layered) element.hidden = true
      byHand.replaceChildren()
      button.setAttribute('aria-expanded', 'false')
      removeEventListener('resize', place)
      removeEventListener('scroll', place, true)
    },
    show(client, heard, strings) {
      if (!isOpen) return
      const { status, phase, queued } = client.getSnapshot()
      const { error, latencies } = heard
      const { length } = client.stateHistory
      const last = client.stateHistory[length - 1]?.timestamp
      const now = [status, phase, queued, error?.message, latencies.length, latencies.at(-1), last]
      // Drawn again only for a reason, so that a selection in it stays.
      if (drawn === now.join() && words === strings) return
      drawn = now.join()
      words = strings
      diagnostics = () => diagnosticsOf(client, heard)
      element.setAttribute('aria-label', strings.panel)
      facts.replaceChildren(...detailsOf(client, heard, strings))
      write(copy, strings.copy)
      place()
    },
  }
}
