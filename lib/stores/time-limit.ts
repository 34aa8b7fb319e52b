import { CallbackResultInvalid, CallbackTimeout } from '../errors.ts'

/**
 * Calls a function that may be the user's and gives it `ms` milliseconds; then rejects with `CallbackTimeout`. What it does after
 * that is not waited for, and may still happen: the error tells when it has.
 */
export function withinTimeLimit<T> (name: string, ms: number, fn: () => T | Promise<T>): Promise<T> {
  // One promise and one timer: this is on the way of every message.
  return new Promise((resolve, reject) => {
    // Whoever catches it asks for its name and status.
    const fail = (error: unknown): void => reject(error instanceof Error ? error : new CallbackResultInvalid(name, `no error but ${String(error)}`))
    try {
      const answer = fn()
      if (typeof (answer as Partial<Promise<T>> | undefined)?.then !== 'function') return resolve(answer)
      const result = Promise.resolve(answer)
      const timer = setTimeout(() => reject(new CallbackTimeout(name, ms, result.then(() => {}, () => {}))), ms)
      // A process that has closed its server does not stay for it.
      timer.unref()
      result.then((value) => {
        clearTimeout(timer)
        resolve(value)
      }, (error: unknown) => {
        clearTimeout(timer)
        fail(error)
      })
    } catch (error) {
      fail(error)
    }
  })
}
