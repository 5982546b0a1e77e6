/** The one line: icon, words, countdown, age and buttons. */
import type { Snapshot } from 'resilient-websocket'
import { createAnnouncer } from './announcer.ts'
import { describeConnection } from './describe.ts'
import { html, write } from './dom.ts'
import { icon } from './icons.ts'
import type { IndicatorStrings } from './strings.ts'

export interface Badge {
  readonly element: HTMLElement
  /** Opens the details. */
  readonly more: HTMLButtonElement
  readonly retry: HTMLButtonElement
  show(snapshot: Snapshot, strings: IndicatorStrings, maxAttempts: number | undefined): void
  stop(): void
}

const secondsTo = (time: number): number => Math.max(0, Math.ceil((time - Date.now()) / 1000))
const secondsSince = (time: number): number => Math.max(0, Math.floor((Date.now() - time) / 1000))

export const createBadge = (): Badge => {
  const shape = html('span', { part: 'icon' })
  // Seen at once; heard, if it lasts, through the region beside it.
  const label = html('span', { part: 'label', class: 'label', 'aria-hidden': 'true' })
  const spoken = html('span', { class: 'spoken', role: 'status' })
  const countdown = html('span', { part: 'countdown', class: 'note' })
  const age = html('span', { part: 'age', class: 'note' })
  const retry = html('button', { part: 'retry', type: 'button' })
  const more = html('button', {
    part: 'details-button',
    class: 'more',
    type: 'button',
    'aria-expanded': 'false',
    'aria-controls': 'details',
  })
  const element = html('span', { part: 'badge' }, shape, label, spoken, countdown, age, retry, more)
  const announcer = createAnnouncer(spoken)

  return {
    element,
    more,
    retry,
    show(snapshot, strings, maxAttempts) {
      const { attempt, nextRetryAt, lastMessageAt, transport, phase } = snapshot
      const description = describeConnection(snapshot, strings)
      const { status, color, canRetry } = description
      element.className = `badge ${color}`
      if (shape.className !== `icon ${status}`) {
        shape.className = `icon ${status}`
        shape.replaceChildren(icon(status))
      }
      write(label, description.label)
      announcer.say(description.label)
      // A probe beside polling is not counted.
      const counted = phase === 'polling' ? undefined : attempt
      write(
        countdown,
        nextRetryAt === null
          ? ''
          : strings.countdown(secondsTo(nextRetryAt), counted, counted && maxAttempts),
      )
      write(
        age,
        lastMessageAt === null ? '' : strings.age(secondsSince(lastMessageAt), transport !== null),
      )
      write(retry, strings.tryNow)
      write(more, strings.showDetails)
      // The button that was just pressed goes away; whoever pressed it stays here.
      if (!canRetry && element.getRootNode() instanceof ShadowRoot) {
        const { activeElement } = element.getRootNode() as ShadowRoot
        if (activeElement === retry) more.focus()
      }
      retry.hidden = !canRetry
    },
    stop: announcer.stop,
  }
}
