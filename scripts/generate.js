// Generates the Prisma clients of the plugin and of the example app, when their schemas are newer than they are.
// `prisma generate` looks for a schema engine binary that it does not need, and would download it: any executable will do.
import { execFileSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'

const clients = {
  'prisma/schema.prisma': 'lib/stores/prisma-client/client.ts',
  'example-app/prisma/schema.prisma': 'example-app/server/prisma-client/client.ts'
}

for (const [schema, client] of Object.entries(clients)) {
  if (existsSync(client) && statSync(client).mtimeMs >= statSync(schema).mtimeMs) continue
  execFileSync(process.execPath, ['node_modules/prisma/build/index.js', 'generate', '--schema', schema], {
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, PRISMA_HIDE_UPDATE_MESSAGE: '1' },
    stdio: ['ignore', 'ignore', 'inherit']
  })
}
