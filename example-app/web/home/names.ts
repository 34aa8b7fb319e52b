const first = ['Quiet', 'Bright', 'Gentle', 'Swift', 'Curious', 'Calm', 'Brave', 'Merry', 'Clever', 'Kind', 'Patient', 'Sunny']
const second = ['Heron', 'Otter', 'Maple', 'Fox', 'Wren', 'Juniper', 'Badger', 'Willow', 'Sparrow', 'Hazel', 'Lynx', 'Robin']

function pick (words: string[]): string {
  return words[Math.floor(Math.random() * words.length)] ?? ''
}

/** A name for those who do not want to think of one. */
export function suggestName (): string {
  return `${pick(first)} ${pick(second)}`
}
