import { createHash } from 'node:crypto'
import { PrismaPg } from '@prisma/adapter-pg'

/** The same for the product and the peer: with prepared statements. */
export const adapter = new PrismaPg(
  { connectionString: process.env.DATABASE_URL! },
  { statementNameGenerator: ({ sql }) => createHash('md5').update(sql).digest('hex') }
)
