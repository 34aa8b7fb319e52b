// Names as people see them.

/** What cannot be seen, or turns the text beside it around. Joiners are left: they shape letters of Persian and Hindi, and emoji. */
const unseen = /[\p{Cc}\p{Zl}\p{Zp}\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu

/** The name without what cannot be seen of it. Undefined if nothing is left, or if it is not Unicode. */
export function displayName (text: string): string | undefined {
  if (!text.isWellFormed() || text.includes('\0')) return undefined
  const name = text.normalize('NFC').replace(unseen, '').replace(/\s+/g, ' ').trim()
  return /[^\p{M}\p{Cf}\p{Cn}\p{Co}\s]/u.test(name) ? name : undefined
}
