// Processes of the bench: started, asked by message, ended with who started them.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const START_MS = 20_000

/** Starts a script of this folder, and resolves to its first message once that has come. */
export const start = async (script, args = [], execArgv = []) => {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), args, { execArgv })
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`${script} ${args.join(' ')} ended with ${signal ?? code} before it answered`)
  })
  // Nobody waits for the end of one that is stopped on purpose.
  ended.catch(() => {})
  const answer = () => Promise.race([once(child, 'message').then(([message]) => message), ended])
  const late = setTimeout(() => child.kill(), START_MS)
  const first = await answer()
  clearTimeout(late)
  return {
    first,
    /** Sends a question, and resolves to the next message. */
    async ask(question) {
      const answered = answer()
      child.send(question)
      return answered
    },
    next: answer,
    async stop() {
      const exited = once(child, 'exit')
      child.kill()
      await exited
    },
  }
}
