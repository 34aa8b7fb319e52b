// Prisma's schema engine as WebAssembly, from npm. The `prisma` CLI would download a binary, which a machine without internet cannot.
import { readFile } from 'node:fs/promises'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import type { SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils'
import type { SchemaEngine } from '@prisma/schema-engine-wasm'
import * as engine from '@prisma/schema-engine-wasm/schema_engine_bg'

// @types/node 20 has no WebAssembly.
declare const WebAssembly: {
  instantiate (bytes: Uint8Array, imports: object): Promise<{ instance: { exports: { __wbindgen_start (): void } } }>
}

// What the engine calls with the message of a panic, before it ends with an "unreachable".
declare global {
  var PRISMA_WASM_PANIC_REGISTRY: { set_message (message: string): void } | undefined
}

let loading: Promise<void> | undefined

export async function createSchemaEngine (adapter: SqlMigrationAwareDriverAdapterFactory): Promise<SchemaEngine> {
  await (loading ??= load())
  return await engine.SchemaEngine.new({ datamodels: undefined }, () => {}, bindMigrationAwareSqlAdapterFactory(adapter))
}

// The package's own entry imports the .wasm as a module, which Node.js 20 does only behind a flag. Once for the process: the
// engine's JavaScript keeps one instance.
async function load (): Promise<void> {
  const entry = import.meta.resolve('@prisma/schema-engine-wasm/schema_engine_bg')
  const bytes = await readFile(new URL('schema_engine_bg.wasm', entry))
  // Its time limits are timers that it never clears. They shall not keep the process alive.
  const imports = Object.fromEntries(Object.entries(engine).map(([name, value]) => [
    name, name.startsWith('__wbg_setTimeout') ? (fn: () => void, ms: number) => setTimeout(fn, ms).unref() : value
  ]))
  const { instance } = await WebAssembly.instantiate(bytes, { './schema_engine_bg.js': imports })
  engine.__wbg_set_wasm(instance.exports)
  globalThis.PRISMA_WASM_PANIC_REGISTRY ??= { set_message (message) { throw new Error(message) } }
  instance.exports.__wbindgen_start()
}
