/**
 * Answers of the database to what each message asks. They are kept for a second: what another node changes holds here after that, what
 * this one changes it forgets at once.
 */
export class ShortMemory<Answer> {
  readonly #ask: (...key: string[]) => Promise<Answer>
  readonly #answers = new Map<string, Promise<Answer>>()
  readonly #forgetting = setInterval(() => this.#answers.clear(), 1000).unref()

  constructor (ask: (...key: string[]) => Promise<Answer>) {
    this.#ask = ask
  }

  async get (...key: string[]): Promise<Answer> {
    const name = JSON.stringify(key)
    let answer = this.#answers.get(name)
    if (answer === undefined) {
      answer = this.#ask(...key)
      this.#answers.set(name, answer)
      // A failure is not an answer to keep.
      answer.catch(() => this.#answers.delete(name))
    }
    return await answer
  }

  forget (...key: string[]): void {
    this.#answers.delete(JSON.stringify(key))
  }

  close (): void {
    clearInterval(this.#forgetting)
  }
}
