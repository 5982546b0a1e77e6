/**
 * Follows one thing to its end before the next, and only then tells what happened, in its order: a listener that calls
 * back in finds a whole client, and sees at once what its own call did (`docs/decisions/0001`).
 */
export interface RunLoop {
  /** Runs `step` now, or after the one that is under way; then the notifications, unless they are running already. */
  run(step: () => void): void
  /** Tells this after what is under way. */
  notify(notification: () => void): void
  /** Runs the notifications, unless something is under way: that will. */
  settle(): void
}

/** `onSettled` is called before the notifications: something may have changed. */
export const createRunLoop = (onSettled: () => void): RunLoop => {
  const steps: (() => void)[] = []
  const notifications: (() => void)[] = []
  let running = false
  let notifying = false

  const settle = (): void => {
    if (running) return
    onSettled()
    if (notifying) return
    notifying = true
    try {
      for (let next = notifications.shift(); next; next = notifications.shift()) next()
    } finally {
      notifying = false
    }
  }

  return {
    run(step) {
      steps.push(step)
      if (running) return
      running = true
      try {
        for (let next = steps.shift(); next; next = steps.shift()) next()
      } finally {
        running = false
      }
      settle()
    },
    notify: notification => void notifications.push(notification),
    settle,
  }
}
