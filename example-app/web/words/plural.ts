/** The forms that a language has, with `#` in the place of the number. English and German have `one` and `other`. */
export type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }

/** The plural of a language: `plural(2, { one: '# document', other: '# documents' })` is "2 documents". */
export function pluralOf (language: string): (count: number, forms: Forms) => string {
  const rules = new Intl.PluralRules(language)
  const numbers = new Intl.NumberFormat(language)
  return (count, forms) => (forms[rules.select(count)] ?? forms.other).replaceAll('#', numbers.format(count))
}
