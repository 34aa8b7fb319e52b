/** The anchor that GitHub gives to a heading. */
export function anchorOf (heading: string): string {
  return heading.toLowerCase().replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[^\p{L}\p{N}\s_-]/gu, '').trim().replace(/\s/g, '-')
}
