import { frames, type Frame } from '../sync/frames.ts'
import { Icon } from '../ui/Icon.tsx'
import { useSignal } from '../ui/signal.ts'
import { size } from '../ui/words.ts'

const names: Record<string, string> = {
  update: 'Update',
  snapshot: 'Snapshot',
  'ephemeral-message': 'Cursor or greeting',
  'update-saved': 'Update is stored',
  'snapshot-saved': 'Snapshot is stored',
  'update-save-failed': 'Update refused',
  'snapshot-save-failed': 'Snapshot refused',
  document: 'The document',
  heartbeat: 'Heartbeat',
  unauthorized: 'No access'
}

/** The last messages of this browser, as they went over the wire. */
export function FrameList () {
  const list = useSignal(frames)
  return (
    <section>
      <h3>On the wire</h3>
      <p>The last messages between this browser and the server, word for word.</p>
      <ol className='frames'>
        {list.map((frame) => <li key={frame.number}><FrameItem frame={frame} /></li>)}
      </ol>
    </section>
  )
}

function FrameItem ({ frame: { sent, kind, bytes, message } }: { frame: Frame }) {
  return (
    <details>
      <summary>
        <span className={sent ? 'sent' : 'received'}><Icon name={sent ? 'up' : 'down'} /><span className='visually-hidden'>{sent ? 'Sent' : 'Received'}</span></span>
        <span>{names[kind] ?? kind}</span>
        <code>{excerpt(message)}</code>
        <span className='frame-size'>{size(bytes)}</span>
      </summary>
      <pre tabIndex={0}>{JSON.stringify(message, shorten, 2)}</pre>
    </details>
  )
}

function excerpt (message: Record<string, unknown>): string {
  const { ciphertext } = (message.snapshot ?? message) as { ciphertext?: unknown }
  return typeof ciphertext === 'string' ? ciphertext.slice(0, 64) : ''
}

function shorten (_key: string, value: unknown): unknown {
  return typeof value === 'string' && value.length > 400 ? `${value.slice(0, 400)}… (${value.length} characters)` : value
}
