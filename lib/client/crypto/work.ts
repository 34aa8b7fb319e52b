/** Work on big data, in steps of well below a millisecond. It yields where somebody else may run. */
export type Work<T> = Generator<void, T, void>

/** Does the work at once. For small messages. */
export function finish<T> (work: Work<T>): T {
  let step = work.next()
  while (step.done !== true) step = work.next()
  return step.value
}

/** Does work in slices: when `budget` milliseconds are used up, it yields to the event loop before it goes on. */
export class Pace {
  readonly #budget: number
  #until: number

  constructor (budget = 8) {
    this.#budget = budget
    this.#until = performance.now() + budget
  }

  /** Does the work; several may run at the same time and then share the budget. */
  async run<T> (work: Work<T>): Promise<T> {
    let step = work.next()
    while (step.done !== true) {
      await this.rest()
      step = work.next()
    }
    return step.value
  }

  /** Yields to the event loop if the budget is used up. */
  async rest (): Promise<void> {
    if (performance.now() < this.#until) return
    await nextTask()
    this.#until = performance.now() + this.#budget
  }
}

/** A task of its own, after input and painting. `setTimeout` would wait 4 ms, and a second in a hidden page. */
function nextTask (): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve)
      return
    }
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
}
