/** Rejects for this reason if `answer` does not settle within `ms` milliseconds. */
export async function withinTime<T> (ms: number, reason: string, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      // If this process was busy, the answer has arrived and is read first.
      setImmediate(() => reject(new Error(reason)))
    }, ms)
  })
  try {
    return await Promise.race([answer, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
