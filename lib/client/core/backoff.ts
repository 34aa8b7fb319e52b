/** Milliseconds before the next try: twice as long each time, and at random between half of that and all of it, so that not all come at once. */
export function backoff (failures: number, random: () => number, { first = 200, most = 30_000 }: { first?: number, most?: number } = {}): number {
  const longest = Math.min(most, first * 2 ** Math.min(failures, 30))
  return Math.round(longest * (0.5 + random() / 2))
}
