/** A socket as the server needs it: `ws` in production, a fake one in tests and in the simulation. */
export interface ServerSocket {
  /** Bytes that were handed over and have not left yet. */
  readonly bufferedAmount: number
  /** False once either side closes. */
  isOpen(): boolean
  /** Sends one frame of text. `onWritten` is called when the frame has left, or can no longer. */
  send(frame: Buffer, onWritten?: () => void): void
  /** Sends a ping frame, which every browser answers by itself. */
  ping(): void
  /** Sends a close frame and waits for its answer. */
  close(code: number, reason: string): void
  /** Destroys the connection at once. */
  terminate(): void
}
