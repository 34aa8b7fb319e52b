import { useState } from 'react'
import type { Member } from '../api.ts'
import type { KeyExchange } from '../crypto/key-exchange.ts'
import { colorAt, colorNumber } from '../sync/colors.ts'
import { initials } from '../ui/initials.ts'
import { texts } from '../words/index.ts'
import { SafetyNumber } from './SafetyNumber.tsx'

export function MemberList ({ members, selfId, isOwner, here, keyExchange, onChangeRole, onRemove }: {
  members: Member[]
  selfId: string | undefined
  isOwner: boolean
  here: string[]
  keyExchange: KeyExchange
  onChangeRole: (member: Member, role: 'editor' | 'viewer') => void
  onRemove: (member: Member) => Promise<void>
}) {
  const [asked, setAsked] = useState<string>()
  const [busy, setBusy] = useState(false)

  const remove = async (member: Member) => {
    setBusy(true)
    await onRemove(member)
    setBusy(false)
    setAsked(undefined)
  }

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
                    type='button' className='button' aria-label={texts().share.removeMember(member.name)} aria-expanded={asked === member.memberId}
                    onClick={() => setAsked(asked === member.memberId ? undefined : member.memberId)}
                  >
                    {texts().share.remove}
                  </button>
                  {asked === member.memberId && (
                    <p className='confirm'>
                      <span>{texts().share.removeNote(member.name)}</span>
                      <button type='button' className='button danger' disabled={busy} autoFocus onClick={() => { void remove(member) }}>
                        {busy ? texts().share.removing : texts().share.removeYes}
                      </button>
                    </p>
                  )}
                </>
                )}
            {selfId !== undefined && member.memberId !== selfId && <SafetyNumber member={member} selfId={selfId} isOwner={isOwner} keyExchange={keyExchange} />}
          </li>
        ))}
      </ul>
    </section>
  )
}
