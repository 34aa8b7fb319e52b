import { CallbackResultInvalid, CallbackTimeout } from '../errors.ts'

/**
 * Calls a function with a time limit of `ms` milliseconds. Rejects with `CallbackTimeout` after it. The call may still settle later:
 * `settled` of the error resolves then.
 */
export function withinTimeLimit<T> (name: string, ms: number, fn: () => T | Promise<T>): Promise<T> {
  // One promise and one timer: this runs for every message.
  return new Promise((resolve, reject) => {
    // Callers read `name` and `statusCode` of the error.
    const fail = (error: unknown): void => reject(error instanceof Error ? error : new CallbackResultInvalid(name, `threw a value that is not an Error: ${String(error)}`))
    try {
      const answer = fn()
      if (typeof (answer as Partial<Promise<T>> | undefined)?.then !== 'function') return resolve(answer)
      const result = Promise.resolve(answer)
      const timer = setTimeout(() => reject(new CallbackTimeout(name, ms, result.then(() => {}, () => {}))), ms)
      // The timer must not keep a process alive after its server has closed.
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
