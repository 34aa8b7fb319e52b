/**
 * All keys of both, each once, in an order in which no key stands before one that it follows in either list. Where the lists say nothing, those of
 * `other` come last. Where they disagree, `one` holds.
 */
export function mergeKeys (one: readonly string[], other: readonly string[]): string[] {
  const merged = [...new Set(one)]
  let before = merged.length
  for (const key of [...new Set(other)].reverse()) {
    const place = merged.indexOf(key)
    if (place === -1) merged.splice(before, 0, key)
    else before = place
  }
  return merged
}
