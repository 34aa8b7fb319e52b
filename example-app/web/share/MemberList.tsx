import { useState } from 'react'
import type { Member } from '../api.ts'
import { colorAt, colorNumber } from '../sync/colors.ts'
import { initials } from '../ui/words.ts'

export function MemberList ({ members, selfId, isOwner, here, onChangeRole, onRemove }: {
  members: Member[]
  selfId: string | undefined
  isOwner: boolean
  here: string[]
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
      <h3>People</h3>
      <ul className='members'>
        {members.map((member, place) => (
          <li key={member.memberId}>
            <span className={`avatar person-${colorNumber(colorAt(place))}`} aria-hidden='true'>{initials(member.name)}</span>
            <span className='member-name'>
              {member.name}{member.memberId === selfId && ' (you)'}
              <span className='member-here'>{here.includes(member.memberId) ? 'here now' : ''}</span>
            </span>
            {member.role === 'owner' || !isOwner
              ? <span className='member-role'>{{ owner: 'Owner', editor: 'Can edit', viewer: 'Can read' }[member.role]}</span>
              : (
                <>
                  <select
                    className='field' aria-label={`What ${member.name} may do`} value={member.role}
                    onChange={(event) => onChangeRole(member, event.target.value === 'viewer' ? 'viewer' : 'editor')}
                  >
                    <option value='editor'>Can edit</option>
                    <option value='viewer'>Can read</option>
                  </select>
                  <button
                    type='button' className='button' aria-label={`Remove ${member.name}`} aria-expanded={asked === member.memberId}
                    onClick={() => setAsked(asked === member.memberId ? undefined : member.memberId)}
                  >
                    Remove
                  </button>
                  {asked === member.memberId && (
                    <p className='confirm'>
                      <span>{member.name} will lose this document at once.</span>
                      <button type='button' className='button danger' disabled={busy} autoFocus onClick={() => { void remove(member) }}>
                        {busy ? 'Removing…' : 'Yes, remove'}
                      </button>
                    </p>
                  )}
                </>
                )}
          </li>
        ))}
      </ul>
    </section>
  )
}
