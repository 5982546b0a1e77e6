'use client'
import { createContext, type ReactNode, useContext, useState } from 'react'
import { createDesk, type Desk } from '@/app/market/desk'
import { SYMBOLS } from '@/app/market/messages'

const DeskContext = createContext<Desk | undefined>(undefined)

/** One desk for all pages, so that going from one to the other forgets nothing. */
export const DeskProvider = ({ children }: { children: ReactNode }) => {
  const [desk] = useState(() => createDesk(SYMBOLS[0] ?? 'AAPL'))
  return <DeskContext value={desk}>{children}</DeskContext>
}

export const useDesk = (): Desk => {
  const desk = useContext(DeskContext)
  if (!desk) throw new Error('useDesk: expected a DeskProvider above')
  return desk
}
