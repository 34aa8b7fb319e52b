import type { HasQuota, HasQuotaParams } from '../callbacks.ts'
import { CallbackResultInvalid } from '../errors.ts'
import { withinTimeLimit } from '../stores/time-limit.ts'

/** The callback `hasQuota`, with a time limit. Only `true` allows. */
export class Quota {
  readonly #hasQuota: HasQuota
  readonly #timeLimit: number

  constructor (hasQuota: HasQuota, timeLimit: number) {
    this.#hasQuota = hasQuota
    this.#timeLimit = timeLimit
  }

  async allows (params: HasQuotaParams): Promise<boolean> {
    const answer: unknown = await withinTimeLimit('hasQuota', this.#timeLimit, () => this.#hasQuota(params))
    if (typeof answer !== 'boolean') throw new CallbackResultInvalid('hasQuota', 'returned neither true nor false')
    return answer
  }
}
