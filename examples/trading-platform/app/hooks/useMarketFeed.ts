'use client'
import { useEffect } from 'react'
import { accountOf } from '@/app/market/account'
import { barsIn, messagesIn, ordersIn, SYMBOLS } from '@/app/market/messages'
import { useDesk } from './useDesk'
import { useResilientWebSocket } from './useResilientWebSocket'

/** How long a notice stands that needs nobody to act. */
const NOTICE_MS = 6000

/** Leads what the connection brings to the desk. To be used once. */
export const useMarketFeed = (): void => {
  const desk = useDesk()
  const { socket } = useResilientWebSocket({
    onMessage: desk.count,
    onBatch: desk.take,
    onError({ code }) {
      if (code === 'RATE_LIMITED') desk.slowUntil.set(Date.now() + NOTICE_MS)
    },
  })

  useEffect(() => {
    const account = accountOf()
    const subscription = socket.subscribe([...SYMBOLS, 'signals', 'alerts', `account:${account}`])
    /** Symbols whose bars are not whole. */
    const wanted = new Set(SYMBOLS)
    let unsureOrders = true
    let missedNotices = true
    let active = true

    const load = (): void => {
      if (!active || socket.status !== 'OPEN') return
      for (const symbol of wanted) {
        wanted.delete(symbol)
        socket.request({ type: 'history', data: { symbol } }).then(
          answer => desk.history(symbol, barsIn(answer)),
          // The next link will ask again.
          () => wanted.add(symbol),
        )
      }
      if (missedNotices) {
        missedNotices = false
        socket.request({ type: 'recent' }).then(
          answer => desk.take(messagesIn({ ...answer, type: 'snapshot' })),
          () => {
            missedNotices = true
          },
        )
      }
      if (!unsureOrders && !desk.orders.unsure()) return
      unsureOrders = false
      socket.request({ type: 'orders', data: { account } }).then(
        answer => desk.orders.reconcile(ordersIn(answer)),
        () => {
          unsureOrders = true
        },
      )
    }

    const ends = [
      socket.on('status', load),
      socket.on('delivery', () => {
        desk.orders.refresh()
        if (desk.orders.unsure()) load()
      }),
      // A message that has left says so only in its Delivery.
      socket.onChange(desk.orders.refresh),
      // The market answers polls again, after the second source: a WebSocket may get through, too. No need to wait.
      desk.standby.subscribe(() => {
        if (!desk.standby.get() && socket.status === 'FALLBACK') socket.reconnect()
      }),
      socket.on('gap', ({ channel }) => {
        desk.integrity.gap(channel)
        if (channel === undefined || channel.startsWith('account:')) unsureOrders = true
        if (channel === undefined || channel === 'signals' || channel === 'alerts') {
          missedNotices = true
        }
        for (const symbol of SYMBOLS) {
          if (channel === undefined || channel === symbol) wanted.add(symbol)
        }
        load()
      }),
    ]
    load()
    return () => {
      active = false
      for (const end of ends) end()
      subscription.unsubscribe()
    }
  }, [desk, socket])
}
