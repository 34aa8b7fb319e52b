import { useCallback, useEffect, useState } from 'react'
import { documentPath, request } from '../api.ts'
import { withSession } from '../session.ts'
import type { OpenDocument } from '../sync/open-document.ts'
import { day, list } from '../words/format.ts'
import { texts } from '../words/index.ts'

interface Invitation {
  id: string
  role: 'editor' | 'viewer'
  createdAt: string
  expiresAt: string
  maxUses: number | null
  members: Array<{ memberId: string, name: string }>
}

interface Removed { memberId: string, name: string }

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
          <h3>{texts().share.invitations}</h3>
          <ul className='members' aria-label={texts().share.invitations}>
            {invitations.map(({ id, role, createdAt, expiresAt, members }) => (
              <li key={id}>
                <span className='member-name'>
                  {texts().share.invitation(texts().roles[role], day(createdAt), day(expiresAt))}
                  <span className='member-here'>{members.length === 0 ? texts().share.nobodyCame : texts().share.came(list(members.map(({ name }) => name)))}</span>
                </span>
                <button type='button' className='button' aria-label={texts().share.endInvitation(day(createdAt))} onClick={() => { void act('invitations', id) }}>{texts().share.end}</button>
              </li>
            ))}
          </ul>
        </section>
      )}
      {removed.length > 0 && (
        <section>
          <h3>{texts().share.removedHeading}</h3>
          <ul className='members' aria-label={texts().share.removedPeople}>
            {removed.map(({ memberId, name }) => (
              <li key={memberId}>
                <span className='member-name'>{name}</span>
                <button type='button' className='button' aria-label={texts().share.letMemberBack(name)} onClick={() => { void act('removed', memberId) }}>{texts().share.letBack}</button>
              </li>
            ))}
          </ul>
          <p className='field-note'>{texts().share.letBackNote}</p>
        </section>
      )}
      {trouble && <p className='trouble' role='alert'>{texts().notDone}</p>}
    </>
  )
}
