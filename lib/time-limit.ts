import { CallbackTimeout } from './errors.ts'

/**
 * Calls a function that may be the user's and gives it `ms` milliseconds. It goes on when they are over: what it does then is
 * no longer waited for, so its late rejection is not an unhandled one.
 */
export async function withinTimeLimit<T> (name: string, ms: number, fn: () => T | Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new CallbackTimeout(name, ms)), ms)
  })
  try {
    return await Promise.race([fn(), timeout])
  } finally {
    clearTimeout(timer)
  }
}
