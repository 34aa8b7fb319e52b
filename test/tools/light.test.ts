// What an import of the built package costs.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { loadedModules } from '../fixtures/loaded-modules.ts'

/** Milliseconds of CPU. Without the loader of tap, which takes part in every import. */
async function cpuOfImport (name: string): Promise<number> {
  const program = `const before = process.cpuUsage(); await import('${name}'); const { user, system } = process.cpuUsage(before); console.log((user + system) / 1000)`
  const { stdout } = await promisify(execFile)('env', ['-u', 'NODE_OPTIONS', process.execPath, '--input-type=module', '--eval', program])
  return Number(stdout)
}

t.test('an import loads neither TypeBox nor Prisma', async (t) => {
  const modules = await loadedModules("await import('fastify-secsync')")
  t.ok(modules.some((url) => url.endsWith('/dist/index.js')), 'imports are seen')
  t.strictSame(modules.filter((url) => /@sinclair|@prisma|prisma-client|schema-engine|node_modules\/(fastify|ioredis|pg)\//.test(url)), [])
  t.ok(modules.length < 140, `${modules.length} modules`)
})

t.test('an import takes about as long as that of Fastify', async (t) => {
  const times: number[] = []
  // Something else may need the processor meanwhile: the best of some pairs.
  while (times.length < 5 && !times.some((ratio) => ratio < 1.5)) times.push(await cpuOfImport('fastify-secsync') / await cpuOfImport('fastify'))
  t.ok(Math.min(...times) < 1.5, `${times.join(', ')} times as long`)
})

t.test('formats and types that an application registers are known to its schemas of additional public data', async () => {
  await loadedModules(`
    import assert from 'node:assert'
    import { FormatRegistry, Kind, Type, TypeRegistry } from '@sinclair/typebox'
    import Fastify from 'fastify'
    import secsync from 'fastify-secsync'
    import { compileChecks, compilerFor } from './dist/protocol/messages.js'
    FormatRegistry.Set('even-length', (text) => text.length % 2 === 0)
    TypeRegistry.Set('Answer', (_schema, value) => value === 42)
    const additional = { snapshot: Type.Object({ keyId: Type.String({ format: 'even-length' }), answer: Type.Unsafe({ [Kind]: 'Answer' }) }) }
    const checks = compileChecks(additional, await compilerFor(additional))
    const text = (length) => 'A'.repeat(length)
    const snapshot = (more) => ({
      ciphertext: '', nonce: text(32), signature: text(86).replace(/A$/, 'A'),
      publicData: {
        docId: 'document', pubKey: text(43), snapshotId: text(32), parentSnapshotId: '', parentSnapshotProof: text(43), parentSnapshotUpdateClocks: {}, ...more
      }
    })
    assert.equal(checks.snapshot(snapshot({ keyId: 'even', answer: 42 })), true)
    assert.equal(checks.snapshot(snapshot({ keyId: 'odd', answer: 42 })), false)
    assert.equal(checks.snapshot(snapshot({ keyId: 'even', answer: 41 })), false)
    const app = Fastify()
    await app.register(secsync, {
      hasAccess: () => true, getDocument: () => ({ updates: [] }), createSnapshot: ({ snapshot }) => snapshot, createUpdate: ({ update }) => update,
      additionalAuthenticationDataValidations: additional
    })
    await app.close()`)
})
