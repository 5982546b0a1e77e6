/** One value of the option `use`. */

/** A part of a client, as `subscriptions()`, `requests()`, `polling()` and `sessions()` make it. What is in it is the client's. */
export interface Part<Name extends string = string> {
  readonly name: Name
}
