// What a person has chosen on this device. A browser may forbid a page to keep anything: then a choice holds until the page is left.

export function keptChoice (name: string): string | undefined {
  try {
    return localStorage.getItem(name) ?? undefined
  } catch {
    return undefined
  }
}

/** Undefined forgets the choice. */
export function keepChoice (name: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(name)
    else localStorage.setItem(name, value)
  } catch {}
}
