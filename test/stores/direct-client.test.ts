import { register } from 'node:module'
import t from 'tap'

t.test('without @prisma/client, the error names the package to install', async (t) => {
  register(`data:text/javascript,${encodeURIComponent(`
    export async function resolve (name, context, next) {
      if (name.startsWith('@prisma/client')) throw Object.assign(new Error("Cannot find package '@prisma/client'"), { code: 'ERR_MODULE_NOT_FOUND' })
      return next(name, context)
    }`)}`)
  await t.rejects(import('../../lib/stores/direct-client.ts'), {
    code: 'FST_SECSYNC_PRISMA_CLIENT_MISSING',
    message: /Run npm install @prisma\/client@7.*Cannot find package '@prisma\/client'/,
    cause: { code: 'ERR_MODULE_NOT_FOUND' }
  })
})
