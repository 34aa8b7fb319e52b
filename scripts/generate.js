// Generates the Prisma client into lib/stores/prisma-client, when the schema is newer than it.
// `prisma generate` looks for a schema engine binary that it does not need, and would download it: any executable will do.
import { execFileSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'

const schema = 'prisma/schema.prisma'
const client = 'lib/stores/prisma-client/client.ts'

if (!existsSync(client) || statSync(client).mtimeMs < statSync(schema).mtimeMs) {
  execFileSync(process.execPath, ['node_modules/prisma/build/index.js', 'generate', '--schema', schema], {
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, PRISMA_HIDE_UPDATE_MESSAGE: '1' },
    stdio: ['ignore', 'ignore', 'inherit']
  })
}
