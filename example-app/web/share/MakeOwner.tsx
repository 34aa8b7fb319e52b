import type { SeenDevice } from '../crypto/key-exchange.ts'
import { texts } from '../words/index.ts'

/** Says what it means, and asks once more. New keys will come from the device of the next owner, so it has to be known. */
export function MakeOwner ({ name, device, busy, onYes }: { name: string, device: SeenDevice | undefined, busy: boolean, onYes: () => void }) {
  const words = texts().share.handover
  if (device?.isTrusted !== true) return <p className='confirm' role='status'>{words.notSeen(name)}</p>

  return (
    <p className='confirm wide'>
      <span>{words.note(name)} {!device.isCompared && words.notCompared(name)}</span>
      <button type='button' className='button danger' disabled={busy} autoFocus onClick={onYes}>{busy ? words.busy : words.yes}</button>
    </p>
  )
}
