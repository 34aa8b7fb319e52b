import t from 'tap'
import { randomText } from '../../example-app/web/crypto/base64.ts'
import { safetyNumber } from '../../example-app/web/crypto/safety-number.ts'

const [ana, ben] = [{ memberId: 'ana', publicKey: randomText(32) }, { memberId: 'ben', publicKey: randomText(32) }]

t.test('both see the same number, and another device or person has another', async (t) => {
  const number = safetyNumber(ana, ben)
  t.match(number, /^(\d{5} ){11}\d{5}$/)
  t.equal(safetyNumber(ben, ana), number)
  const others = [[{ ...ana, publicKey: randomText(32) }, ben], [ana, { ...ben, publicKey: randomText(32) }], [{ ...ana, memberId: 'eve' }, ben]] as const
  t.equal(new Set([number, ...others.map(([one, other]) => safetyNumber(one, other))]).size, 4)
})

t.test('the number stays what people have compared', async (t) => {
  const [one, other] = [{ memberId: 'ana', publicKey: 'A'.repeat(43) }, { memberId: 'ben', publicKey: 'B'.repeat(43) }]
  t.equal(safetyNumber(one, other), '24204 49942 16114 11058 68250 27083 08826 63710 99857 44345 56946 05566')
})
