'use client'
import { useEffect, useState } from 'react'

/** The time, once a second; undefined while the server renders, whose clock is another one. */
export const useNow = (): number | undefined => {
  const [now, setNow] = useState<number>()
  useEffect(() => {
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  return now
}
