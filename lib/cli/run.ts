import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { migrate } from '../stores/migrate.ts'
import { exportCommand, importCommand, type ExportOptions, type ImportOptions } from './archives.ts'
import { adapterOf, type DatabaseOptions } from './database.ts'
import { deleteCommand, usageCommand } from './documents.ts'
import { exitCodes, Report, type ExitCode, type Io } from './io.ts'
import { pruneCommand, type PruneOptions } from './prune.ts'
import { verifyCommand, type VerifyOptions } from './verify.ts'

const afterHelp = `
Exit codes:
  0    done, and nothing was wrong
  1    done, and something was wrong: a problem was found, a document refused
  2    not done: wrong arguments, or the database or a file failed
  130  interrupted with Ctrl-C. Nothing is half-done, and the command can be run again

Documentation: docs/cli.md of the package`

/** Runs `fastify-secsync` with these arguments, and resolves with its exit code. Errors are written to stderr. */
export async function run (args: string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok
  const program = await createProgram(io, (result) => { code = result })
  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    // It has written why.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.failed
    if (io.signal.aborted) {
      io.stderr.write('Interrupted\n')
      return exitCodes.interrupted
    }
    const { message, cause, code: errorCode } = error as Error & { code?: string }
    const reason = (cause as { originalMessage?: string } | undefined)?.originalMessage
    if (args.includes('--json')) io.stdout.write(`${JSON.stringify({ type: 'error', code: errorCode, message, reason })}\n`)
    io.stderr.write(`error: ${message}${reason === undefined || message.includes(reason) ? '' : `: ${reason}`}\n`)
    return exitCodes.failed
  }
}

async function createProgram (io: Io, done: (code: ExitCode) => void): Promise<Command> {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  const program = new Command('fastify-secsync')
    .description('Tools for the documents of fastify-secsync in PostgreSQL.')
    .version(version)
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .addHelpText('after', afterHelp)

  command(program, 'migrate', 'Bring the tables of the database up to date.').action(async ({ json, ...options }: DatabaseOptions & { json: boolean }) => {
    const applied = await migrate({ adapter: await adapterOf(io, options) })
    new Report(io, json).result({ type: 'summary', applied }, applied.length === 0 ? 'Nothing to do' : `Applied ${applied.join(', ')}`)
    done(exitCodes.ok)
  })

  selecting(command(program, 'verify', 'Check every signature, proof, clock and version, without keys: of a database, or of an archive.'))
    .argument('[archive]', 'a file, or - for stdin. Without it, the database is checked')
    .option('--repair', 'put aside what cannot be right, so that the rest of the document opens. Deletes nothing. Without it, verify says what would be done', false)
    .addOption(workers())
    .action(async (file: string | undefined, options: VerifyOptions & SelectionOptions) => {
      done(await verifyCommand(io, file, options, selectionOf(options)))
    })

  selecting(command(program, 'export', 'Write documents as an archive. Other people may write them meanwhile.'))
    .option('-o, --output <file>', 'where to. Compressed with gzip if the name ends with .gz', '-')
    .option('--gzip', 'compress, whatever the name')
    .action(async (options: ExportOptions & SelectionOptions) => {
      done(await exportCommand(io, options, selectionOf(options)))
    })

  command(program, 'import', 'Load an archive, verify all of it, and overwrite nothing.')
    .argument('<archive>', 'a file, or - for stdin')
    .addOption(workers())
    .action(async (file: string, options: ImportOptions) => {
      done(await importCommand(io, file, options))
    })

  command(program, 'prune', 'Remove the text of old snapshots and replaced updates. Their proofs stay. Give at least one of the options --keep-….')
    .option('--keep-snapshots <number>', 'keep the text of so many snapshots of each document, the active one included', numberFrom(1))
    .option('--keep-for <duration>', 'keep the text of a snapshot for so long after it was replaced, for instance 30d', duration)
    .option('--keep-updates <number>', 'keep the updates of so many snapshots, the active one included', numberFrom(1))
    .option('--share <number>', 'share of the time in which the database works for it', share, 0.2)
    .action(async (options: PruneOptions) => {
      done(await pruneCommand(io, options))
    })

  command(program, 'usage', 'Say how much is stored.')
    .option('--prefix <text>', 'only documents whose id begins with this')
    .action(async (options: DatabaseOptions & { json: boolean, prefix?: string }) => {
      done(await usageCommand(io, options))
    })

  command(program, 'delete', 'Delete documents for everybody, for good. Their ids cannot be used again.')
    .argument('<ids...>', 'the documents')
    .option('--restorable-for <duration>', 'how long they can be restored, for instance 30d', duration, 0)
    .action(async (ids: string[], options: DatabaseOptions & { json: boolean, restorableFor: number }) => {
      done(await deleteCommand(io, ids, options))
    })
  return program
}

function numberFrom (minimum: number): (text: string) => number {
  return (text) => {
    const number = Number(text)
    if (!Number.isInteger(number) || number < minimum || number > 2 ** 31 - 1) throw new InvalidArgumentError(`It must be a whole number from ${minimum} on.`)
    return number
  }
}

function share (text: string): number {
  const number = Number(text)
  if (!(number >= 0.01 && number <= 1)) throw new InvalidArgumentError('It must be a number from 0.01 to 1.')
  return number
}

const units: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `30d`, `12h`, `5m`, `10s` in milliseconds. */
function duration (text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? []
  if (number === undefined || unit === undefined) throw new InvalidArgumentError('It must be a number and a unit: 10s, 5m, 12h or 30d.')
  return Number(number) * (units[unit] ?? 0)
}

function command (program: Command, name: string, description: string): Command {
  return program.command(name).description(description)
    .option('--database-url <url>', 'postgres://user:password@host:5432/database. Default: DATABASE_URL of the environment')
    .option('--schema <name>', 'the schema of the tables. Default: that of the search_path')
    .option('--json', 'write results as JSON, one object a line', false)
}

interface SelectionOptions {
  document?: string[]
  prefix?: string
  after?: string
}

function selecting (command: Command): Command {
  return command
    .option('--document <id>', 'only this document. Can be given several times', (id: string, ids: string[] = []) => [...ids, id])
    .option('--prefix <text>', 'only documents whose id begins with this')
    .option('--after <id>', 'only documents after this one, in the order of the database: goes on after an interruption')
}

function selectionOf ({ document, prefix, after }: SelectionOptions) {
  return { documentIds: document, prefix, after }
}

function workers (): Option {
  return new Option('--workers <number>', 'threads that check signatures. 0: none but the main one')
    .default(availableParallelism() - 1).argParser((text: string) => {
      const number = Number(text)
      if (!Number.isInteger(number) || number < 0 || number > 256) throw new InvalidArgumentError('It must be a number from 0 to 256.')
      return number
    })
}
