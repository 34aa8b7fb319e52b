import { createHash } from 'node:crypto'
import { PrismaLibSql } from '@prisma/adapter-libsql'
import { PrismaPg } from '@prisma/adapter-pg'

const url = process.env.DATABASE_URL!

/** The same for the product and the peer: with prepared statements. Or a file of SQLite. */
export const adapter = url.startsWith('file:')
  ? new PrismaLibSql({ url })
  : new PrismaPg({ connectionString: url }, { statementNameGenerator: ({ sql }) => createHash('md5').update(sql).digest('hex') })
