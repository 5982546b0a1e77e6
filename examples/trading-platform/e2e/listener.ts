/** Who listens on a port, as an outside tester finds it (Linux). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

const LISTENS = '0A'

const inodesOf = (port: number): string[] =>
  ['/proc/net/tcp', '/proc/net/tcp6'].flatMap(file =>
    readFileSync(file, 'utf8')
      .split('\n')
      .map(line => line.trim().split(/\s+/))
      .filter(([, local, , state]) => {
        const hex = local?.split(':')[1]
        return state === LISTENS && hex !== undefined && Number.parseInt(hex, 16) === port
      })
      .map(fields => `socket:[${fields[9]}]`),
  )

const holds = (pid: string, inodes: readonly string[]): boolean => {
  try {
    return readdirSync(`/proc/${pid}/fd`).some(fd => {
      try {
        return inodes.includes(readlinkSync(`/proc/${pid}/fd/${fd}`))
      } catch {
        return false
      }
    })
  } catch {
    return false
  }
}

/** Undefined if nobody does. */
export const listenerOn = (port: number): number | undefined => {
  const inodes = inodesOf(port)
  const pid = readdirSync('/proc').find(name => /^\d+$/.test(name) && holds(name, inodes))
  return pid === undefined ? undefined : Number(pid)
}
