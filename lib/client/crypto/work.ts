/** Work on data of any size. It yields after each step, of which none takes longer than about half a millisecond. */
export type Work<T> = Generator<void, T, void>

/** The bytes that one step handles: a multiple of 3, 4 and 64, so that base64 and cipher blocks end with a step. */
export const stepBytes = 49_152

/** Does work at once. */
export function finish<T> (work: Work<T>): T {
  let step = work.next()
  while (step.done !== true) step = work.next()
  return step.value
}

/** Does work in slices: when `budget` milliseconds are used up, it lets the event loop handle what else waits. */
export class Pace {
  readonly #budget: number
  #until = 0

  /** @param budget In milliseconds, default 8: half a frame. `Infinity` never yields. */
  constructor (budget = 8) {
    this.#budget = budget
  }

  /** Does work in slices. Several may run at the same time; they share the budget. */
  async run<T> (work: Work<T>): Promise<T> {
    let step = work.next()
    while (step.done !== true) {
      await this.rest()
      step = work.next()
    }
    return step.value
  }

  /** Lets the event loop go on if the budget is used up. */
  async rest (): Promise<void> {
    const now = performance.now()
    if (this.#until === 0) this.#until = now + this.#budget
    if (now < this.#until) return
    await nextTask()
    this.#until = performance.now() + this.#budget
  }
}

/** The part of the DOM's `MessagePort` that is needed here: the types of Node.js have another. */
interface Port {
  onmessage: (() => void) | null
  close (): void
}

/** Resolves in a new task. A timer would take 4 ms in a browser, and up to a minute in a hidden page. */
function nextTask (): Promise<void> {
  return new Promise((resolve) => {
    // Of Node.js.
    const { setImmediate } = globalThis as { setImmediate?: (fn: () => void) => void }
    if (setImmediate !== undefined) {
      setImmediate(resolve)
      return
    }
    const channel = new MessageChannel()
    const port: Port = channel.port1 as unknown as Port
    port.onmessage = () => {
      port.close()
      resolve()
    }
    channel.port2.postMessage(null)
  })
}
