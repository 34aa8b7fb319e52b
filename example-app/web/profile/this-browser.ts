const browsers: Array<[RegExp, string]> = [[/Edg(A|iOS)?\//, 'Edge'], [/OPR\//, 'Opera'], [/Firefox\/|FxiOS\//, 'Firefox'], [/Chrom(e|ium)\/|CriOS\//, 'Chrome'], [/Safari\//, 'Safari']]
const systems: Array<[RegExp, string]> = [[/Android/, 'Android'], [/iPhone|iPod/, 'iPhone'], [/iPad/, 'iPad'], [/Windows/, 'Windows'], [/Mac OS X/, 'macOS'], [/CrOS/, 'ChromeOS'], [/Linux/, 'Linux']]

/** For the eyes of the person: names of products. Empty if it is another one. */
export function browserOf (userAgent: string): { browser: string, system: string } {
  const find = (names: Array<[RegExp, string]>) => names.find(([sign]) => sign.test(userAgent))?.[1] ?? ''
  return { browser: find(browsers), system: find(systems) }
}
