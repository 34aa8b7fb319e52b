import { frames, type Frame } from '../sync/frames.ts'
import { Icon } from '../ui/Icon.tsx'
import { useSignal } from '../ui/signal.ts'
import { size } from '../words/format.ts'
import { texts } from '../words/index.ts'

/** The last messages of this browser, as they went over the wire. */
export function FrameList () {
  const list = useSignal(frames)
  return (
    <section>
      <h3>{texts().server.wire}</h3>
      <p>{texts().server.wireNote}</p>
      <ol className='frames'>
        {list.map((frame) => <li key={frame.number}><FrameItem frame={frame} /></li>)}
      </ol>
    </section>
  )
}

function FrameItem ({ frame: { sent, kind, bytes, message } }: { frame: Frame }) {
  const names: Record<string, string> = texts().server.frames
  return (
    <details>
      <summary>
        <span className={sent ? 'sent' : 'received'}><Icon name={sent ? 'up' : 'down'} /><span className='visually-hidden'>{sent ? texts().server.sent : texts().server.received}</span></span>
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
  return typeof value === 'string' && value.length > 400 ? texts().server.shortened(value.slice(0, 400), value.length) : value
}
