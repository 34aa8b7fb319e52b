import t from 'tap'
import { resolveStore } from '../../lib/stores/resolve.ts'

t.test('a getDocument that finds nothing finds nothing, also when others store', async (t) => {
  const prisma = { async $queryRaw () { throw new Error('The database is not asked') } }
  const { store } = resolveStore({ prisma, getDocument: () => undefined }, 0)
  t.equal(await store.load('document', { mode: 'complete' }), undefined)
})
