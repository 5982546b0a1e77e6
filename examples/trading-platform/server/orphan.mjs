// @ts-check
/**
 * Servers outlive whoever started them if nobody tells them: npm dies without its shell, and the shell
 * without us. So we look whether both are still there.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const LOOK_MS = 500

/** Undefined where nobody can say. @param {number} pid */
const parentOf = pid => {
  try {
    // Behind the name of the program, which may hold anything: its state, then its parent.
    const words = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')
    return Number(words?.[1])
  } catch {}
  try {
    return Number(execFileSync('ps', ['-o', 'ppid=', '-p', `${pid}`], { encoding: 'utf8' }))
  } catch {
    return undefined
  }
}

/** @param {number} pid */
const lives = pid => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM'
  }
}

/** Calls back once this process was left alone; never, if npm did not start it. @param {() => void} end */
export const whenOrphaned = end => {
  if (!process.env['npm_lifecycle_event']) return
  const parent = process.ppid
  const grandparent = parentOf(parent)
  const timer = setInterval(() => {
    if (process.ppid === parent && (!grandparent || lives(grandparent))) return
    clearInterval(timer)
    end()
  }, LOOK_MS)
  timer.unref()
}
