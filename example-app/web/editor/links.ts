/** An address that a link may have, or undefined: of a page or for mail, never a script. `example.org` becomes `https://example.org/`. */
export function safeAddress (text: unknown): string | undefined {
  if (typeof text !== 'string' || text.length > 2000) return undefined
  const trimmed = text.trim()
  const isWithoutScheme = /^[\w-]+(\.[\w-]+)+([/?#:]|$)/.test(trimmed) && !/^[\w-]+:/.test(trimmed)
  const address = isWithoutScheme ? `https://${trimmed}` : trimmed
  if (!URL.canParse(address)) return undefined
  const { protocol, href } = new URL(address)
  return ['http:', 'https:', 'mailto:'].includes(protocol) ? href : undefined
}
