/** Calls a listener; what it throws disturbs neither the caller nor the others. */
export type Call = <Payload extends unknown[]>(
  listener: (...payload: Payload) => void,
  ...payload: Payload
) => void
