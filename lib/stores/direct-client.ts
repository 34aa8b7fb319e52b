// The generated Prisma client: `import { PrismaClient } from 'fastify-secsync/prisma-client'`. It is the only part that needs @prisma/client. The types
// of this entry are those of the generated client.
import { PrismaClientMissing } from '../errors.ts'

async function load (): Promise<typeof import('./prisma-client/client.ts')> {
  try {
    return await import('./prisma-client/client.ts')
  } catch (cause) {
    throw Object.assign(new PrismaClientMissing((cause as Error).message), { cause })
  }
}

export const { PrismaClient, Prisma, $Enums } = await load()
