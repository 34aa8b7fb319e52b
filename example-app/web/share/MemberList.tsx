import { useState } from 'react'
import type { Member } from '../api.ts'
import type { KeyExchange } from '../crypto/key-exchange.ts'
import { colorAt, colorNumber } from '../sync/colors.ts'
import { initials } from '../ui/initials.ts'
import { useSignal } from '../ui/signal.ts'
import { texts } from '../words/index.ts'
import { MakeOwner } from './MakeOwner.tsx'
import { SafetyNumber } from './SafetyNumber.tsx'

export function MemberList ({ members, selfId, isOwner, here, keyExchange, onChangeRole, onRemove, onMakeOwner }: {
  members: Member[]
  selfId: string | undefined
  isOwner: boolean
  here: string[]
  keyExchange: KeyExchange
  onChangeRole: (member: Member, role: 'editor' | 'viewer') => void
  onRemove: (member: Member) => Promise<void>
  onMakeOwner: (member: Member) => Promise<void>
}) {
  const [asked, setAsked] = useState<{ what: 'remove' | 'makeOwner', memberId: string }>()
  const [busy, setBusy] = useState(false)
  const devices = useSignal(keyExchange.devices)

  const act = async (action: (member: Member) => Promise<void>, member: Member) => {
    setBusy(true)
    await action(member)
    setBusy(false)
    setAsked(undefined)
  }
  const isAsked = (what: 'remove' | 'makeOwner', { memberId }: Member) => asked?.what === what && asked.memberId === memberId
  const ask = (what: 'remove' | 'makeOwner', member: Member) => setAsked(isAsked(what, member) ? undefined : { what, memberId: member.memberId })

  return (
    <section>
      <h3>{texts().share.people}</h3>
      <ul className='members'>
        {members.map((member, place) => (
          <li key={member.memberId}>
            <span className={`avatar person-${colorNumber(colorAt(place))}`} aria-hidden='true'>{initials(member.name)}</span>
            <span className='member-name'>
              {member.memberId === selfId ? texts().you(member.name) : member.name}
              <span className='member-here'>{here.includes(member.memberId) ? texts().share.hereNow : ''}</span>
            </span>
            {member.role === 'owner' || !isOwner
              ? <span className='member-role'>{texts().roles[member.role]}</span>
              : (
                <>
                  <select
                    className='field' aria-label={texts().share.memberMay(member.name)} value={member.role}
                    onChange={(event) => onChangeRole(member, event.target.value === 'viewer' ? 'viewer' : 'editor')}
                  >
                    <option value='editor'>{texts().roles.editor}</option>
                    <option value='viewer'>{texts().roles.viewer}</option>
                  </select>
                  <button
                    type='button' className='button' aria-label={texts().share.removeMember(member.name)} aria-expanded={isAsked('remove', member)}
                    onClick={() => ask('remove', member)}
                  >
                    {texts().share.remove}
                  </button>
                  <button
                    type='button' className='button' aria-label={texts().share.handover.makeMember(member.name)} aria-expanded={isAsked('makeOwner', member)}
                    onClick={() => ask('makeOwner', member)}
                  >
                    {texts().share.handover.make}
                  </button>
                </>
                )}
            {selfId !== undefined && member.memberId !== selfId && <SafetyNumber member={member} selfId={selfId} isOwner={isOwner} keyExchange={keyExchange} />}
            {isAsked('remove', member) && (
              <p className='confirm'>
                <span>{texts().share.removeNote(member.name)}</span>
                <button type='button' className='button danger' disabled={busy} autoFocus onClick={() => { void act(onRemove, member) }}>
                  {busy ? texts().share.removing : texts().share.removeYes}
                </button>
              </p>
            )}
            {isAsked('makeOwner', member) && (
              <MakeOwner name={member.name} device={devices.get(member.memberId)} busy={busy} onYes={() => { void act(onMakeOwner, member) }} />
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}
