import type { OpenDocument } from '../sync/open-document.ts'
import { frames, type Frame } from '../sync/frames.ts'
import { useSignal } from '../ui/signal.ts'
import type { Stored } from './stored.ts'
import { useLastWritten } from './useLastWritten.ts'
import { size } from '../words/format.ts'
import { texts } from '../words/index.ts'

/** The same moment twice: as people read it, and as the server has it. */
export function SideBySide ({ open, stored }: { open: OpenDocument, stored: Stored | undefined }) {
  const text = useLastWritten(open)
  const last = useSignal(frames).find((frame) => contentOf(frame) !== undefined)
  const newest = last === undefined ? undefined : contentOf(last)
  const older = stored?.updates.flatMap(({ ciphertext = '' }) => ciphertext === newest ? [] : [ciphertext]).slice(-4).reverse() ?? []

  return (
    <div className='side-by-side'>
      <figure className='readable'>
        <figcaption>{texts().server.here}</figcaption>
        <p>{text === '' ? texts().server.writeSomething : text}</p>
      </figure>
      <figure className='sealed'>
        <figcaption>{texts().server.there}{last !== undefined && ` · ${size(last.bytes)}`}</figcaption>
        <p>
          {newest !== undefined && <span key={last?.number} className='newest'>{newest.slice(0, 600)} </span>}
          {older.join(' ').slice(0, 600)}
          {newest === undefined && older.length === 0 && texts().server.nothingYet}
        </p>
      </figure>
    </div>
  )
}

/** The encrypted text of an update or a snapshot. A snapshot from somebody else is wrapped, everything else is the message itself. */
function contentOf ({ kind, message }: Frame): string | undefined {
  if (kind !== 'update' && kind !== 'snapshot') return undefined
  const { ciphertext } = (message.snapshot ?? message) as { ciphertext?: unknown }
  return typeof ciphertext === 'string' ? ciphertext : undefined
}
