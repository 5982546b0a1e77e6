'use client'
import { useSyncExternalStore } from 'react'
import type { Store } from '@/app/market/store'

/** Renders when the value is another one. */
export const useStore = <Value>(store: Store<Value>): Value =>
  useSyncExternalStore(store.subscribe, store.get, store.get)
