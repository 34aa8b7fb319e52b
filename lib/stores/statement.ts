/**
 * A statement from a text with a `?` for each value, to be passed to `$queryRaw` as the strings of a template. So several statements can have a part
 * in common, which a template cannot.
 */
export function statement (text: string): TemplateStringsArray {
  const strings = text.split('?')
  return Object.assign(strings, { raw: strings })
}
