import { useState } from 'react'
import { documentPath, request } from '../api.ts'
import { invitationLink } from '../route.ts'
import { withSession } from '../session.ts'
import type { OpenDocument } from '../sync/open-document.ts'
import { CopyButton } from '../ui/CopyButton.tsx'
import { LinkField } from './LinkField.tsx'

type Offer = 'editor' | 'viewer'
const offers: Array<[Offer, string]> = [['editor', 'Can edit'], ['viewer', 'Can read']]

/** Makes an invitation and shows the link for it. The server knows the invitation, and not the key that the link ends with. */
export function InviteForm ({ open }: { open: OpenDocument }) {
  const [role, setRole] = useState<Offer>('editor')
  const [links, setLinks] = useState<Partial<Record<Offer, string>>>({})

  const prepare = async (): Promise<string> => {
    const made = links[role]
    if (made !== undefined) return made
    const path = documentPath(open.id, 'invitations')
    const { token } = await withSession(({ sessionKey }) => request<{ token: string }>('POST', path, sessionKey, { role }))
    const link = invitationLink(token, open.keyring.newest.get())
    setLinks({ ...links, [role]: link })
    return link
  }

  return (
    <section>
      <h3>Invite by link</h3>
      <div className='invite'>
        <div className='choice' role='radiogroup' aria-label='What the invited may do'>
          {offers.map(([value, words]) => (
            <label key={value}>
              <input type='radio' name='role' value={value} checked={role === value} onChange={() => setRole(value)} />
              <span>{words}</span>
            </label>
          ))}
        </div>
        <CopyButton label='Copy invitation link' primary prepare={prepare} />
      </div>
      {links[role] !== undefined && <LinkField label='Invitation link' link={links[role]} />}
      <p className='field-note'>Whoever opens the link becomes a member. The key is at its end, where the server cannot see it: send it in a way you trust.</p>
    </section>
  )
}
