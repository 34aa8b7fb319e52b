import { CallbackResultInvalid, CallbackTimeout } from './errors.ts'

/**
 * Calls a function that may be the user's and gives it `ms` milliseconds; then rejects with `CallbackTimeout`. What it does after
 * that is not waited for, and may still happen: the error tells when it has.
 */
export async function withinTimeLimit<T> (name: string, ms: number, fn: () => T | Promise<T>): Promise<T> {
  try {
    const answer = fn()
    if (typeof (answer as Partial<Promise<T>> | undefined)?.then !== 'function') return answer
    const result = Promise.resolve(answer)
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new CallbackTimeout(name, ms, result.then(() => {}, () => {}))), ms)
      // A process that has closed its server does not stay for it.
      timer.unref()
    })
    return await Promise.race([result, timeout]).finally(() => clearTimeout(timer))
  } catch (error) {
    // Whoever catches it asks for its name and status.
    throw error instanceof Error ? error : new CallbackResultInvalid(name, `no error but ${String(error)}`)
  }
}
