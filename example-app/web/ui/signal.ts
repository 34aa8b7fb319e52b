import { useSyncExternalStore } from 'react'

/** A value that outlives components and tells them when it changed. */
export class Signal<T> {
  #value: T
  readonly #listeners = new Set<() => void>()

  constructor (value: T) {
    this.#value = value
  }

  readonly get = (): T => this.#value

  set (value: T): void {
    if (Object.is(value, this.#value)) return
    this.#value = value
    for (const listener of [...this.#listeners]) listener()
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }
}

export function useSignal<T> (signal: Signal<T>): T {
  return useSyncExternalStore(signal.subscribe, signal.get)
}
