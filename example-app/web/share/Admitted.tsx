import { useCallback, useEffect, useState } from 'react'
import { documentPath, request } from '../api.ts'
import { withSession } from '../session.ts'
import type { OpenDocument } from '../sync/open-document.ts'

interface Invitation {
  id: string
  role: 'editor' | 'viewer'
  createdAt: string
  expiresAt: string
  maxUses: number | null
  members: Array<{ memberId: string, name: string }>
}

interface Removed { memberId: string, name: string }

const day = (time: string) => new Date(time).toLocaleDateString('en', { dateStyle: 'medium' })

/** For the owner: the invitations that let people in, with those who came by them, and the people who were removed. */
export function Admitted ({ open }: { open: OpenDocument }) {
  const [invitations, setInvitations] = useState<Invitation[]>([])
  const [removed, setRemoved] = useState<Removed[]>([])
  const [trouble, setTrouble] = useState(false)

  const act = useCallback(async (...path: string[]) => {
    setTrouble(false)
    try {
      await withSession(async ({ sessionKey }) => {
        if (path.length > 0) await request('DELETE', documentPath(open.id, ...path), sessionKey)
        setInvitations((await request<{ invitations: Invitation[] }>('GET', documentPath(open.id, 'invitations'), sessionKey)).invitations)
        setRemoved((await request<{ removed: Removed[] }>('GET', documentPath(open.id, 'removed'), sessionKey)).removed)
      })
    } catch {
      setTrouble(true)
    }
  }, [open.id])

  useEffect(() => { void act() }, [act])

  return (
    <>
      {invitations.length > 0 && (
        <section>
          <h3>Open invitations</h3>
          <ul className='members' aria-label='Open invitations'>
            {invitations.map(({ id, role, createdAt, expiresAt, members }) => (
              <li key={id}>
                <span className='member-name'>
                  {role === 'editor' ? 'Can edit' : 'Can read'}, made {day(createdAt)}, ends {day(expiresAt)}
                  <span className='member-here'>{members.length === 0 ? 'nobody came yet' : `came: ${members.map(({ name }) => name).join(', ')}`}</span>
                </span>
                <button type='button' className='button' aria-label={`End the invitation of ${day(createdAt)}`} onClick={() => { void act('invitations', id) }}>End</button>
              </li>
            ))}
          </ul>
        </section>
      )}
      {removed.length > 0 && (
        <section>
          <h3>Removed</h3>
          <ul className='members' aria-label='Removed people'>
            {removed.map(({ memberId, name }) => (
              <li key={memberId}>
                <span className='member-name'>{name}</span>
                <button type='button' className='button' aria-label={`Let ${name} come back`} onClick={() => { void act('removed', memberId) }}>Let come back</button>
              </li>
            ))}
          </ul>
          <p className='field-note'>Whoever may come back needs a new invitation.</p>
        </section>
      )}
      {trouble && <p className='trouble' role='alert'>That did not work. Please try again when the document is live.</p>}
    </>
  )
}
