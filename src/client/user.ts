/** Whose client it is at the moment. */
export interface User {
  /** Grows with each change of user: whatever began before one is not for the user after it. */
  generation: number
  /** As `setIdentity()` or the option `identity` has it; `undefined`: nobody has said. */
  identity: string | null | undefined
  /** A server may know who the user is: a link was open, or a poll was answered. */
  wasShown: boolean
}
