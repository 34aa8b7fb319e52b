/** Dark enough for a white name on them, and each apart from the next for eyes that see few colours. */
export const colors = ['#0b6e99', '#b4451f', '#5b4bb7', '#1f7a3d', '#a3246b', '#7a5b00', '#385a8c', '#8a3b3b'] as const

/** By the place in a list, so that people in the same document differ. */
export function colorAt (place: number): string {
  return colors[Math.max(0, place) % colors.length] ?? colors[0]
}

/** The number in a class name: the Content-Security-Policy allows no style attribute, and another browser may send anything. */
export function colorNumber (color: string | undefined): number {
  return Math.max(0, colors.findIndex((known) => known === color))
}
